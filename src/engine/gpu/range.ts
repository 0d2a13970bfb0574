import type { Storage } from "./memory.ts";

/** A byte range of a storage. */
export interface Range {
  storage: Storage;
  offset: number;
  bytes: number;
}

export const overlaps = (a: Range, b: Range): boolean =>
  a.storage === b.storage && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;

export const sameRange = (a: Range, b: Range): boolean =>
  a.storage === b.storage && a.offset === b.offset && a.bytes === b.bytes;
