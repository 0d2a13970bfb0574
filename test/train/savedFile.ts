import { createHash } from "node:crypto";
import type { ByteSource } from "../../src/data/safetensorsFile.ts";
import { type Checkpoint, encodeCheckpoint, openCheckpoint } from "../../src/train/checkpoint.ts";
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

/** What tells such arrays apart; a matcher would take minutes over their bytes. */
export const digestOf = (bytes: Uint8Array | Float32Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** A checkpoint out of such an array. */
export const openBytes = (bytes: Uint8Array, name = "saved"): Promise<Checkpoint> =>
  openCheckpoint(name, sourceOf(bytes));
