import { checkImageSet, type ImageSet } from "./images.ts";
import { checkByteLength } from "./recordedSizes.ts";

/** The part of the platform's DecompressionStream that is used (Node 18 and every browser have it). */
declare const DecompressionStream: new (
  format: "gzip",
) => {
  writable: { getWriter(): { write(chunk: Uint8Array): Promise<void>; close(): Promise<void> } };
  readable: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }> } };
};

/** An IDX array of unsigned bytes, row-major. */
export interface IdxArray {
  shape: number[];
  values: Uint8Array;
}

/**
 * Reads an IDX file of unsigned bytes, gzip-compressed or plain.
 * Layout: 0, 0, type (8 = uint8), rank, then `rank` big-endian uint32 sizes, then the values.
 * `name` is used in errors. Source: http://yann.lecun.com/exdb/mnist/ (file format section).
 */
export async function readIdx(name: string, file: Uint8Array): Promise<IdxArray> {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? await gunzip(name, file) : file;
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8) {
    const start = Array.from(bytes.subarray(0, 4)).join(" ");
    throw new Error(`${name}: an IDX file of bytes must start with 0 0 8; got ${start || "nothing"}.`);
  }
  const rank = bytes[3]!;
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw new Error(`${name}: the header of rank ${rank} needs ${header} bytes; got ${bytes.length}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  checkByteLength(name, bytes, header + size, `header ${header}, array [${shape.join(", ")}]`);
  return { shape, values: bytes.subarray(header) };
}

/**
 * MNIST, Fashion-MNIST and their relatives -> pixels [N, H, W, 3] (gray repeated in R, G, B), labels [N].
 * `images` is *-images-idx3-ubyte [N, H, W], `labels` is *-labels-idx1-ubyte [N], each gzip or plain.
 * `classes` defaults to the digits 0..9.
 */
export async function readMnist(
  images: Uint8Array,
  labels: Uint8Array,
  { name = "mnist", classes = [..."0123456789"] }: { name?: string; classes?: readonly string[] } = {},
): Promise<ImageSet> {
  const x = await readIdx(`${name} images`, images);
  const y = await readIdx(`${name} labels`, labels);
  const [count, height, width] = x.shape;
  if (x.shape.length !== 3 || y.shape.length !== 1 || y.shape[0] !== count) {
    throw new Error(
      `${name}: needs images [N, H, W] and labels [N]; got [${x.shape.join(", ")}] and ` +
        `[${y.shape.join(", ")}]. Are both from the same split, and in this order?`,
    );
  }
  const pixels = new Uint8Array(x.values.length * 3);
  x.values.forEach((gray, i) => {
    pixels.fill(gray, 3 * i, 3 * i + 3);
  });
  return checkImageSet({
    name,
    width: width!,
    height: height!,
    count: count!,
    pixels,
    labels: Int32Array.from(y.values),
    classes,
  });
}

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
