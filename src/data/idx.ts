import { checkByteLength } from "./recordedSizes.ts";

/** The part of the platform's DecompressionStream that is used (Node 18 and every browser have it). */
declare const DecompressionStream: new (
  format: "gzip",
) => {
  writable: { getWriter(): { write(chunk: Uint8Array): Promise<void>; close(): Promise<void> } };
  readable: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }> } };
};

/** An IDX array, row-major. */
export interface IdxArray {
  shape: number[];
  values: Uint8Array | Int32Array;
}

/** Types of values that are read, by their code. */
const TYPES: Record<number, { bytes: number; read(bytes: Uint8Array, size: number): IdxArray["values"] }> = {
  8: { bytes: 1, read: (bytes) => bytes },
  12: {
    bytes: 4,
    read(bytes, size) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      return Int32Array.from({ length: size }, (_, i) => view.getInt32(4 * i));
    },
  },
};

/**
 * Reads an IDX file of unsigned bytes or of int32, gzip-compressed or plain.
 * Layout: 0, 0, type (8 = uint8, 12 = big-endian int32), rank, then `rank` big-endian uint32 sizes, then the values.
 * `name` is used in errors. Source: http://yann.lecun.com/exdb/mnist/ (file format section).
 */
export async function readIdx(name: string, file: Uint8Array): Promise<IdxArray> {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? await gunzip(name, file) : file;
  const type = bytes[0] === 0 && bytes[1] === 0 && bytes.length >= 4 ? TYPES[bytes[2]!] : undefined;
  if (!type) {
    const start = Array.from(bytes.subarray(0, 4)).join(" ");
    throw new Error(
      `${name}: an IDX file must start with 0 0 8 (bytes) or 0 0 12 (int32); got ${start || "nothing"}.`,
    );
  }
  const rank = bytes[3]!;
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw new Error(`${name}: the header of rank ${rank} needs ${header} bytes; got ${bytes.length}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = product(shape);
  const swapped = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i, true));
  if (size * type.bytes > bytes.length && header + product(swapped) * type.bytes === bytes.length) {
    throw new Error(
      `${name}: sizes and values must be big-endian; got little-endian [${swapped.join(", ")}].`,
    );
  }
  checkByteLength(name, bytes, header + size * type.bytes, `header ${header}, array [${shape.join(", ")}]`);
  return { shape, values: type.read(bytes.subarray(header), size) };
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Unpacks a gzip file. A cut or damaged file gives an error that names it. */
async function gunzip(name: string, file: Uint8Array): Promise<Uint8Array> {
  const { writable, readable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const written = writer.write(file).then(() => writer.close());
  const chunks: Uint8Array[] = [];
  const reader = readable.getReader();
  const read = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value!);
  };
  try {
    await Promise.all([written, read()]);
  } catch (cause) {
    throw new Error(`${name}: the gzip file of ${file.length} bytes cannot be unpacked. Fetch it again.`, {
      cause,
    });
  }
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
