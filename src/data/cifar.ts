import { type DataFormat, fileFormat, type Split } from "./dataFormat.ts";
import { fileIn, type NamedBytes, namedBytes } from "./folder.ts";
import { checkImageSet, type ImageSet } from "./images.ts";
import { countRecords } from "./recordedSizes.ts";
import { textLines } from "./textLines.ts";

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

/** Pictures in each file of the whole CIFAR-10. */
const WHOLE_FILE = 10_000;
const WHOLE_FILES: Record<Split, readonly string[]> = {
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  test: ["test_batch.bin"],
};

/** CIFAR-10's folder. A part of the set is read, too, and what is missing of it said. */
export const cifar10: DataFormat = fileFormat({
  name: "CIFAR-10",
  holds: "data_batch_1.bin to data_batch_5.bin and test_batch.bin (the binary version)",
  files: { train: /^data_batch_\d+\.bin$/, test: /^test_batch\.bin$/ },
  async read(entries, _, { split, path, note }) {
    const files = await namedBytes(entries);
    const set = readCifar10(files);
    const missing = WHOLE_FILES[split].flatMap((file) => {
      const bytes = files.find((f) => f.name === file)?.bytes.length ?? 0;
      const count = bytes / (1 + 3 * PLANE);
      if (count >= WHOLE_FILE) return [];
      return count === 0 ? `no ${file}` : `${file} with ${count}`;
    });
    if (missing.length > 0) {
      note?.(
        `${path}: the ${split} files of CIFAR-10 must have ${WHOLE_FILE} pictures each; got ${missing.join(", ")}. ` +
          `Only these ${set.count} are read`,
      );
    }
    return set;
  },
});

/** CIFAR-100's folder, with its fine labels. */
export const cifar100: DataFormat = fileFormat({
  name: "CIFAR-100",
  holds: "train.bin and test.bin (the binary version)",
  files: { train: /^train\.bin$/, test: /^test\.bin$/ },
  async read(entries, folder) {
    const names = fileIn(folder, "fine_label_names.txt");
    return readCifar100(await namedBytes(entries), names ? { classes: await textLines(names) } : {});
  },
});
