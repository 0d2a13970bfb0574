import { randomFrom } from "./creatures/random.ts";
import type { ImageSet } from "./images.ts";

/** Pictures of independent random bytes without labels, equal for equal sizes: for measuring speed alone. */
export function noisePictures(count: number, size: number): ImageSet {
  const bytes = count * size * size * 3;
  const random = randomFrom(count, size);
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32;
  return {
    name: "noise",
    width: size,
    height: size,
    count,
    pixels: new Uint8Array(words.buffer, 0, bytes),
    labels: new Int32Array(count).fill(-1),
    classes: [],
  };
}
