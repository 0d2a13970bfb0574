import { type FileHandle, open } from "node:fs/promises";
import type { ByteSource } from "../../data/safetensorsFile.ts";
import { UsageError } from "./errors.ts";
import { explain, kindOf } from "./files.ts";

/** Bytes of one call to the system: Node takes 2 GiB at most. */
const MOST_AT_ONCE = 2 ** 30;

/** A file of any size that is read by ranges until it is closed, whatever takes its name meanwhile. */
export interface OpenFile extends ByteSource {
  close(): Promise<void>;
}

/** Opens a plain file for reading. `most` is the bytes of one call. */
export async function openFile(path: string, most = MOST_AT_ONCE): Promise<OpenFile> {
  // Asked first: opening a pipe waits for a writer.
  if ((await kindOf(path)) === "other") throw new UsageError(`${path}: must be a plain file`);
  const file = await open(path).catch((error) => Promise.reject(explain(path, error)));
  const { size } = await file.stat();
  return {
    size,
    read: (offset, length) => readRange(path, file, { offset, length, most }),
    close: () => file.close(),
  };
}

async function readRange(
  path: string,
  file: FileHandle,
  { offset, length, most }: { offset: number; length: number; most: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const wanted = Math.min(most, length - at);
    const { bytesRead } = await file
      .read(bytes, at, wanted, offset + at)
      .catch((error) => Promise.reject(explain(path, error)));
    if (bytesRead === 0)
      throw new UsageError(`${path}: must not shrink while it is read; it ends at ${offset + at}`);
    at += bytesRead;
  }
  return bytes;
}
