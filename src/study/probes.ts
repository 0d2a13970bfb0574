/** How a study asks encoders, and what of an encoder each way reads. */
import { METHODS, type MethodName } from "../models/methods.ts";

/** In the order of tables. */
export const PROBES = ["k-NN", "linear", "attentive", "retrieval"] as const;
export type ProbeName = (typeof PROBES)[number];

/** The reading of the attentive probe, which is all tokens where those of the others are a vector each. */
export const TOKENS = "tokens";

/** What a method's encoder is read by: its own reading, unless the probe has one for all. */
export const readingOf = (method: MethodName, probe: ProbeName): string =>
  probe === "attentive" ? TOKENS : METHODS[method].reading;
