import { createHash, type Hash } from "node:crypto";

/** Bytes that a hash is given at once: Node refuses 2^31 of them. */
const PIECE_BYTES = 2 ** 30;

/** Updates a hash with bytes of any number. */
export function updateInPieces(hash: Pick<Hash, "update">, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    hash.update(bytes.subarray(start, start + PIECE_BYTES));
  }
}

/** SHA-256, hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  const hash = createHash("sha256");
  updateInPieces(hash, bytes);
  return hash.digest("hex");
}
