import { creatures } from "../src/data/creatures/creatures.ts";
import { createDecoder } from "../src/data/decode.ts";
import { readImageFolder } from "../src/data/imageFolder.ts";
import type { ImageSet } from "../src/data/images.ts";

/** Training pictures, and those whose reconstructions are shown. */
export interface Pictures {
  train: ImageSet;
  shown: ImageSet;
}

/** The built-in creatures; those that are shown are never trained on. */
export function builtIn(count: number, side: number, shown: number): Pictures {
  return {
    train: creatures({ count, size: side }),
    shown: creatures({ count: shown, size: side, split: "val" }),
  };
}

/** The person's own JPEG, PNG and WebP files, scaled and cut to squares; the first of them are shown. */
export async function ownPictures(
  files: readonly File[],
  side: number,
  shown: number,
  onProgress: (done: number, total: number) => void,
): Promise<Pictures> {
  const decode = await createDecoder({
    jpeg: await fetchBytes("mozjpeg_dec.wasm"),
    webp: await fetchBytes("webp_dec.wasm"),
  });
  const entries = files.map((file) => ({
    path: `pictures/${file.name}`,
    read: async () => new Uint8Array(await file.arrayBuffer()),
  }));
  const train = await readImageFolder(entries, {
    decode,
    name: "your pictures",
    imageSize: side,
    onProgress,
  });
  const count = Math.min(shown, train.count);
  const pixels = train.pixels.subarray(0, count * side * side * 3);
  return { train, shown: { ...train, count, pixels, labels: train.labels.subarray(0, count) } };
}

/** A file that the build puts beside this bundle. */
async function fetchBytes(name: string): Promise<Uint8Array> {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: the server must have it; got status ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
