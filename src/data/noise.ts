import { randomFrom } from "./creatures/random.ts";
import type { ImageSet } from "./images.ts";

/** Pictures of independent random bytes, equal for equal sizes, with labels in turn or none: for measuring speed alone. */
export function noisePictures(count: number, size: number, classes = 0): ImageSet {
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
    labels: Int32Array.from({ length: count }, (_, i) => (classes > 0 ? i % classes : -1)),
    classes: Array.from({ length: classes }, (_, i) => `${i}`),
  };
}
