import { createHash } from "node:crypto";
import { readSafetensors } from "../../src/data/safetensors.ts";
import type { ByteSource } from "../../src/data/safetensorsFile.ts";
import type { NamedValues } from "../../src/engine/graph/parameters.ts";
import {
  type Checkpoint,
  encodeCheckpoint,
  openCheckpoint,
  restoreTrainer,
} from "../../src/train/checkpoint.ts";
import type { Trainer } from "../../src/train/trainer.ts";

/** Bytes in memory as a file. */
export const sourceOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.slice(offset, offset + length),
});

/** The checkpoint of a trainer as one array. */
export async function savedBytes(trainer: Trainer): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await encodeCheckpoint(trainer)).pieces) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** All that a run keeps, as its checkpoint has it. */
export interface SavedState {
  bytes: Uint8Array;
  /** Updates made. */
  step: number;
  tensors: ReadonlyMap<string, NamedValues>;
}

/** The state of a trainer by the way that programs take. */
export async function stateOf(trainer: Trainer): Promise<SavedState> {
  const bytes = await savedBytes(trainer);
  const { tensors, metadata } = readSafetensors(bytes);
  const named = [...tensors].map(([name, { shape, data }]): [string, NamedValues] => [
    name,
    { shape, values: data as Float32Array },
  ]);
  return { bytes, step: JSON.parse(metadata.partwise!).step, tensors: new Map(named) };
}

/** Puts such a state into a trainer of the same settings. */
export const restore = async (trainer: Trainer, { bytes }: Pick<SavedState, "bytes">): Promise<void> =>
  restoreTrainer(trainer, await openBytes(bytes));

/** What tells such arrays apart; a matcher would take minutes over their bytes. */
export const digestOf = (bytes: Uint8Array | Float32Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** A checkpoint out of such an array. */
export const openBytes = (bytes: Uint8Array, name = "saved"): Promise<Checkpoint> =>
  openCheckpoint(name, sourceOf(bytes));
