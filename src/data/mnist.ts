import { type DataFormat, fileFormat } from "./dataFormat.ts";
import { type Folder, type FolderEntry, fileIn, fileName } from "./folder.ts";
import { readIdx } from "./idx.ts";
import { checkImageSet, type ImageSet } from "./images.ts";

export interface MnistOptions {
  name?: string;
  /** Defaults to the digits 0..9. */
  classes?: readonly string[];
  /** What label 0 of `classes` is called in the file (default 0). */
  firstLabel?: number;
  /** The file has the columns of each picture where others have the rows (default false). */
  transposed?: boolean;
}

/**
 * MNIST and its relatives -> pixels [N, H, W, 3] (gray repeated in R, G, B), labels [N].
 * `images` is an IDX file of bytes [N, H, W]; `labels` one of bytes or int32, [N] or [N, F] with the class first in each
 * row (QMNIST). Each gzip or plain.
 */
export async function readMnist(
  images: Uint8Array,
  labels: Uint8Array,
  { name = "mnist", classes = [..."0123456789"], firstLabel = 0, transposed = false }: MnistOptions = {},
): Promise<ImageSet> {
  const x = await readIdx(`${name} images`, images);
  const y = await readIdx(`${name} labels`, labels);
  const [count, height, width] = x.shape as [number, number, number];
  const isPair =
    x.shape.length === 3 && (y.shape.length === 1 || y.shape.length === 2) && y.shape[0] === count;
  if (!isPair || !(x.values instanceof Uint8Array)) {
    throw new Error(
      `${name}: needs images [N, H, W] of bytes and labels [N] or [N, F]; got [${x.shape.join(", ")}] and ` +
        `[${y.shape.join(", ")}]. Are both from the same split, and in this order?`,
    );
  }
  const columns = y.shape[1] ?? 1;
  const labelsOfSet = Int32Array.from({ length: count }, (_, i) => y.values[i * columns]! - firstLabel);
  const wrong = labelsOfSet.findIndex((label) => label < 0 || label >= classes.length);
  if (wrong >= 0) {
    throw new Error(
      `${name}: labels must be ${firstLabel} to ${firstLabel + classes.length - 1} for its ${classes.length} classes; ` +
        `got ${y.values[wrong * columns]} for picture ${wrong}. Is it the label file of this set, with big-endian numbers?`,
    );
  }
  return checkImageSet({
    name,
    width: transposed ? height : width,
    height: transposed ? width : height,
    count,
    pixels: toRgb(transposed ? transpose(x.values, height, width) : x.values),
    labels: labelsOfSet,
    classes,
  });
}

function toRgb(gray: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(gray.length * 3);
  gray.forEach((value, i) => {
    pixels.fill(value, 3 * i, 3 * i + 3);
  });
  return pixels;
}

/** x [count, rows, columns] -> [count, columns, rows] */
function transpose(x: Uint8Array, rows: number, columns: number): Uint8Array {
  const size = rows * columns;
  return x.map((_, i) => {
    const at = i % size;
    return x[i - at + (at % rows) * columns + Math.floor(at / rows)]!;
  });
}

/** The pair of files of one split: the labels have the pictures' name but for `images-idx3-ubyte`. */
async function readPair(
  images: FolderEntry,
  folder: Folder,
  labelEnding: string,
  options: MnistOptions = {},
): Promise<ImageSet> {
  const file = fileName(images);
  const wanted = file.replace(/images([-.])idx3-ubyte(\.gz)?$/, `labels$1${labelEnding}`);
  const labels = fileIn(folder, wanted) ?? fileIn(folder, `${wanted}.gz`);
  if (!labels) throw new Error(`${images.path}: its labels must lie beside it as ${wanted}`);
  return readMnist(await images.read(), await labels.read(), { name: file, ...options });
}

/** MNIST, Fashion-MNIST, Kuzushiji-MNIST: one set of names. */
export const mnist: DataFormat = fileFormat({
  name: "MNIST",
  holds:
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-… (Fashion-MNIST, Kuzushiji-MNIST, too; .gz or not)",
  files: {
    train: /^train-images[-.]idx3-ubyte(\.gz)?$/,
    test: /^(t10k|test)-images[-.]idx3-ubyte(\.gz)?$/,
  },
  read: ([images], folder) => readPair(images!, folder, "idx1-ubyte"),
});

/** QMNIST: its labels are rows of 8 numbers, the class first. Source: https://github.com/facebookresearch/qmnist. */
export const qmnist: DataFormat = fileFormat({
  name: "QMNIST",
  holds: "qmnist-train-images-idx3-ubyte, qmnist-train-labels-idx2-int, qmnist-test-… (.gz or not)",
  files: {
    train: /^qmnist-train-images-idx3-ubyte(\.gz)?$/,
    test: /^qmnist-test-images-idx3-ubyte(\.gz)?$/,
  },
  read: ([images], folder) => readPair(images!, folder, "idx2-int"),
});

const DIGITS = "0123456789";
const CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Small letters that do not look like their capitals: the others count as those in the merged sets. */
const DISTINCT = "abdefghnqrt";

/** The classes of EMNIST's six sets, and the label of the first. Source: the mapping files of the archive. */
const EMNIST: Record<string, { classes: string; firstLabel?: number }> = {
  balanced: { classes: DIGITS + CAPITALS + DISTINCT },
  bymerge: { classes: DIGITS + CAPITALS + DISTINCT },
  byclass: { classes: DIGITS + CAPITALS + CAPITALS.toLowerCase() },
  letters: { classes: CAPITALS.toLowerCase(), firstLabel: 1 },
  digits: { classes: DIGITS },
  mnist: { classes: DIGITS },
};

/** EMNIST: its files have pictures by columns. Source: Cohen et al. 2017, https://arxiv.org/abs/1702.05373. */
export const emnist: DataFormat = fileFormat({
  name: "EMNIST",
  get holds() {
    const sets = Object.keys(EMNIST).join(", ");
    return `emnist-<set>-train-images-idx3-ubyte, …-labels-idx1-ubyte, …-test-… of one set (${sets})`;
  },
  files: {
    train: /^emnist-\w+-train-images-idx3-ubyte(\.gz)?$/,
    test: /^emnist-\w+-test-images-idx3-ubyte(\.gz)?$/,
  },
  async read(files, folder, { path }) {
    const sets = [...new Set(files.map((file) => fileName(file).split("-")[1]!))];
    const known = EMNIST[sets[0]!];
    if (sets.length > 1 || !known) {
      throw new Error(
        `${path}: must hold the files of one EMNIST set among ${Object.keys(EMNIST).join(", ")}; ` +
          `got ${sets.join(", ")}. Move one into a folder of its own`,
      );
    }
    const { classes, firstLabel } = known;
    return readPair(files[0]!, folder, "idx1-ubyte", { classes: [...classes], firstLabel, transposed: true });
  },
});
