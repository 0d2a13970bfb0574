/**
 * What the probes of a cell said of each picture of the test split, as a safetensors file beside its result. A picture of
 * which several crops were asked about is one entry, since results are resampled by picture and never by crop.
 */
import { readSafetensors, type StoredTensor, writeSafetensors } from "../data/safetensors.ts";
import { isPixelScore, SEGMENTATION } from "./probes.ts";
import type { Readout } from "./readouts.ts";
import { scoreOf } from "./sample.ts";

/** A readout without its pictures: what is written as JSON. */
export type Score = Omit<Readout, "pictures">;

export const withoutPictures = ({ pictures: _, ...score }: Readout): Score => score;

/** Names in the file: I32 [pictures] items of each picture, F32 [pictures] the sum of their scores. */
const itemsName = ({ target, probe }: Score): string =>
  isPixelScore(probe) ? `${target}/${SEGMENTATION}/items` : `${target}/items`;
const sumsName = ({ target, reading, probe }: Score): string => `${target}/${reading}/${probe}`;

/** Pictures are those of a target, others where pixels are asked about, in one order for all readouts and all cells of a set. */
export function encodeOutcomes(readouts: readonly Readout[]): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, StoredTensor>();
  for (const { pictures, ...score } of readouts) {
    const shape = [pictures.items.length];
    tensors.set(itemsName(score), { dtype: "I32", shape, data: Int32Array.from(pictures.items) });
    tensors.set(sumsName(score), { dtype: "F32", shape, data: Float32Array.from(pictures.sums) });
  }
  return writeSafetensors(tensors, { format: "partwise.outcomes.1" });
}

/** Of a stored score and the mean of its stored pictures, which have 24 bits each. */
const TOLERANCE = 1e-5;

/** Scores with their pictures again. Throws where the file is of other readouts, or where pictures and score disagree. */
export function withOutcomes(scores: readonly Score[], file: Uint8Array): Readout[] {
  const { tensors } = readSafetensors(file);
  const numbers = (name: string): number[] => {
    const found = tensors.get(name);
    if (!found) {
      throw new Error(
        `outcomes: the file must hold ${name}; got ${[...tensors.keys()]}. Is it another cell's?`,
      );
    }
    return Array.from(found.data as ArrayLike<number>);
  };
  return scores.map((score) => {
    const pictures = { items: numbers(itemsName(score)), sums: numbers(sumsName(score)) };
    const { items, sums } = pictures;
    const mean = scoreOf(sums, items); // not a number, and so refused, where one of them is not
    if (items.length === sums.length && Math.abs(mean - score.score) < TOLERANCE)
      return { ...score, pictures };
    throw new Error(
      `outcomes: ${sumsName(score)} must have the score ${score.score}; ` +
        `got ${mean} of ${sums.length} sums and ${items.length} pictures`,
    );
  });
}
