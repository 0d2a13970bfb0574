/** How a study asks encoders, and what of an encoder each way reads. */
import { METHODS, type MethodName } from "../models/methods.ts";

/** What a study asks by unless it names others, in the order of tables. */
export const PROBES = ["k-NN", "linear", "attentive", "retrieval"] as const;

/** The probe of every pixel, which costs more than all others together and is asked only where a study names it. */
export const SEGMENTATION = "segmentation";

/** All that a study may ask by. */
export const ASKED = [...PROBES, SEGMENTATION] as const;
export type AskedName = (typeof ASKED)[number];

/** The scores of segmentation: each is a readout of its own. */
export const PIXEL_SCORES = ["mIoU", "mAcc", "aAcc"] as const;
export type PixelScore = (typeof PIXEL_SCORES)[number];

/** What a readout is of, in the order of tables: a probe with one score, or a score of segmentation. */
export const SCORES = [...PROBES, ...PIXEL_SCORES] as const;
export type ProbeName = (typeof SCORES)[number];

export const isPixelScore = (probe: ProbeName): probe is PixelScore =>
  (PIXEL_SCORES as readonly ProbeName[]).includes(probe);

/** The reading of the attentive probe, which is all tokens where those of the others are a vector each. */
export const TOKENS = "tokens";
/** The reading of segmentation: the tokens of four blocks. */
export const BLOCKS = "blocks";

/** What a probe reads of every encoder alike; null where each has a reading of its own. */
export const sharedReading = (probe: ProbeName): string | null =>
  probe === "attentive" ? TOKENS : isPixelScore(probe) ? BLOCKS : null;

/** What a method's encoder is read by: its own reading, unless the probe has one for all. */
export const readingOf = (method: MethodName, probe: ProbeName): string =>
  sharedReading(probe) ?? METHODS[method].reading;
