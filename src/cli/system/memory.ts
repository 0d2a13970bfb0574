import { totalmem } from "node:os";

/** Bytes of main memory this process may use: the machine's, or its container's if that is less. */
export function mainMemory(): number {
  const limit = process.constrainedMemory();
  return limit !== undefined && limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
