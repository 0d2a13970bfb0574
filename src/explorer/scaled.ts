import { type Filter, type ImageSet, pictureAt, resizePicture } from "../index.ts";

/** Milliseconds for which a page may be held up before it has its turn. */
const TURN_MS = 10;

export interface ScaledOptions {
  /** Bicubic when absent. */
  filter?: Filter;
  /** Ends the work: its reason is thrown before the next picture. */
  signal?: AbortSignal | undefined;
}

/** Square pictures with this side; themselves where they have it. The page has its turn between two pictures. */
export async function scaled(
  pictures: ImageSet,
  side: number,
  { filter, signal }: ScaledOptions = {},
): Promise<ImageSet> {
  const { count, width } = pictures;
  if (width === side) return pictures;
  const pixels = new Uint8Array(count * side * side * 3);
  let since = performance.now();
  for (let i = 0; i < count; i++) {
    if (performance.now() - since > TURN_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
    signal?.throwIfAborted();
    pixels.set(resizePicture(pictureAt(pictures, i), side, side, filter).pixels, i * side * side * 3);
  }
  return { ...pictures, width: side, height: side, pixels };
}
