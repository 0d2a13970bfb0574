import { checkImageSet, type ImageSet } from "./images.ts";
import { countRecords } from "./recordedSizes.ts";

/** One file as the platform read it. */
export interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/** CIFAR-10's classes in the order of their labels (batches.meta.txt). */
export const CIFAR10_CLASSES: readonly string[] =
  "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

/** One colour plane: 32 x 32 bytes. */
const PLANE = 1024;

/**
 * CIFAR-10 "binary version" -> pixels [N, 32, 32, 3], labels [N].
 * Files (data_batch_1..5.bin, test_batch.bin) are records of 1 label byte and 1024 R, 1024 G, 1024 B bytes,
 * row-major; they are read in the order given. Source: https://www.cs.toronto.edu/~kriz/cifar.html.
 */
export function readCifar10(files: readonly NamedBytes[]): ImageSet {
  return readRecords("cifar10", files, 1, 0, CIFAR10_CLASSES);
}

/**
 * CIFAR-100 "binary version" -> pixels [N, 32, 32, 3], labels [N] of `labels`: 100 fine or 20 coarse classes.
 * Records (train.bin, test.bin) are a coarse label byte, a fine label byte and the three planes.
 * `classes` are the lines of fine_label_names.txt or coarse_label_names.txt; without it they are numbers.
 */
export function readCifar100(
  files: readonly NamedBytes[],
  { labels = "fine", classes }: { labels?: "fine" | "coarse"; classes?: readonly string[] } = {},
): ImageSet {
  const names = classes ?? Array.from({ length: labels === "fine" ? 100 : 20 }, (_, i) => String(i));
  return readRecords("cifar100", files, 2, labels === "fine" ? 1 : 0, names);
}

function readRecords(
  name: string,
  files: readonly NamedBytes[],
  labelBytes: number,
  labelAt: number,
  classes: readonly string[],
): ImageSet {
  if (files.length === 0) throw new Error(`${name}: needs at least one .bin file; got none.`);
  const recordBytes = labelBytes + 3 * PLANE;
  const counts = files.map((file) => countRecords(`${name} ${file.name}`, file.bytes, recordBytes, 10_000));
  const count = counts.reduce((a, b) => a + b, 0);
  const pixels = new Uint8Array(count * 3 * PLANE);
  const labels = new Int32Array(count);
  let image = 0;
  files.forEach(({ name: file, bytes }, f) => {
    for (let r = 0; r < counts[f]!; r++, image++) {
      const record = bytes.subarray(r * recordBytes, (r + 1) * recordBytes);
      const label = record[labelAt]!;
      if (label >= classes.length) {
        throw new Error(
          `${name} ${file}: labels must be below ${classes.length}; got ${label} in record ${r}. ` +
            "Is it the file of the other CIFAR?",
        );
      }
      labels[image] = label;
      planesToPixels(record.subarray(labelBytes), pixels.subarray(image * 3 * PLANE));
    }
  });
  return checkImageSet({ name, width: 32, height: 32, count, pixels, labels, classes });
}

/** planes [3, 1024] -> pixels [1024, 3] */
function planesToPixels(planes: Uint8Array, pixels: Uint8Array): void {
  for (let i = 0; i < PLANE; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * PLANE + i]!;
  }
}
