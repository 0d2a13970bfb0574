import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type NamedBytes, readCifar10, readCifar100 } from "../data/cifar.ts";
import { creatures } from "../data/creatures/creatures.ts";
import type { Decoder } from "../data/decode.ts";
import { readMnist } from "../data/idx.ts";
import { type FolderEntry, readImageFolder } from "../data/imageFolder.ts";
import { bytesPerImage, type ImageSet, splitAt, subset } from "../data/images.ts";
import { centerCrop, resizeShorterSide } from "../data/resize.ts";
import { readStl10 } from "../data/stl10.ts";
import { openDecoder } from "./codec.ts";
import { asUsage, UsageError } from "./errors.ts";
import { explain, filesBelow, kindOf, nameOf, readBytes } from "./files.ts";

export type Split = "train" | "test";

/** Which pictures a command works on. */
export interface DataChoice {
  /** `creatures`, or the path of a folder. */
  data: string;
  /** Side to which pictures are drawn or scaled in memory; as they are when absent. */
  size?: number;
  /** At most this many pictures of a split. */
  limit?: number;
}

export interface LoadOptions {
  /** Side at which creatures are drawn when the choice names none. */
  drawnSize: number;
  onProgress?: (done: number, total: number) => void;
  /** Supplies the picture codec; the program's own when absent. */
  decoder?: () => Promise<Decoder>;
}

/** Pictures of the built-in set when no limit is given. */
export const CREATURES: Record<Split, number> = { train: 4096, test: 1024 };
/** Pixels that are held in memory at most; more has no chance on the GPU either. */
const MOST_PIXEL_BYTES = 2 ** 32;

/** Count and size of one split: the built-in set's without drawing it, a folder's by reading it. */
export async function describeSplit(
  choice: DataChoice,
  split: Split,
  options: LoadOptions,
): Promise<Pick<ImageSet, "name" | "count" | "width" | "height">> {
  if (choice.data !== "creatures") return loadSplit(choice, split, options);
  const side = choice.size ?? options.drawnSize;
  return { name: `creatures-${split}`, count: choice.limit ?? CREATURES[split], width: side, height: side };
}

/** Reads or draws one split. What is wrong with the folder or a file in it is a `UsageError` that names it. */
export const loadSplit = (choice: DataChoice, split: Split, options: LoadOptions): Promise<ImageSet> =>
  asUsage(() =>
    choice.data === "creatures" ? drawCreatures(choice, split, options) : readFolder(choice, split, options),
  );

function drawCreatures(
  { size, limit }: DataChoice,
  split: Split,
  { drawnSize, onProgress }: LoadOptions,
): ImageSet {
  const count = limit ?? CREATURES[split];
  const side = size ?? drawnSize;
  const bytes = count * side * side * 3;
  if (bytes > MOST_PIXEL_BYTES) {
    throw new UsageError(
      `creatures: the pixels must take at most ${MOST_PIXEL_BYTES} bytes; ${count} pictures of ${side} x ${side} ` +
        `need ${bytes}. Use a smaller --limit or --data-size`,
    );
  }
  onProgress?.(0, count);
  return creatures({ count, size: side, split });
}

async function readFolder(choice: DataChoice, split: Split, options: LoadOptions): Promise<ImageSet> {
  const { data: path, size, limit } = choice;
  await checkFolder(path);
  const names = await readdir(path).catch((error) => Promise.reject(explain(path, error)));
  const format = FORMATS.find(({ isFrom }) => names.some((name) => isFrom.test(name)));
  if (!format) return readPictures(choice, split, options);
  const files = names.filter((name) => format[split].test(name)).sort();
  if (files.length === 0) {
    throw new UsageError(
      `${path}: must hold the ${split} files of ${format.name} for this; got ${names.join(", ")}`,
    );
  }
  const whole = await format.read((name) => readBytes(join(path, name)), files, names);
  const set = limit !== undefined && limit < whole.count ? splitAt(whole, limit)[0] : whole;
  return size === undefined ? set : scaled(set, size);
}

async function checkFolder(path: string): Promise<void> {
  const kind = await kindOf(path);
  if (kind === "folder") return;
  if (kind === null) {
    throw new UsageError(`--data must be "creatures" or a folder of pictures; ${path} does not exist`);
  }
  const archive = /\.(tar|tar\.\w+|tgz|zip)$/i.test(path);
  throw new UsageError(
    archive
      ? `--data must be a folder; ${path} is an archive: unpack it somewhere (tar xf, unzip) and name the folder inside`
      : `--data must be a folder; ${path} is a file: name the folder that holds it`,
  );
}

type ReadFile = (name: string) => Promise<Uint8Array>;

/** A set in files with fixed names. */
interface Format {
  name: string;
  /** A file whose name gives the format away. */
  isFrom: RegExp;
  train: RegExp;
  test: RegExp;
  /** `files` are those of the split, sorted; `all` is everything in the folder. */
  read(readFile: ReadFile, files: readonly string[], all: readonly string[]): Promise<ImageSet>;
}

const named = (readFile: ReadFile, files: readonly string[]): Promise<NamedBytes[]> =>
  Promise.all(files.map(async (name) => ({ name, bytes: await readFile(name) })));

/** The lines of a list of class names, where the folder has it. */
async function linesOf(
  readFile: ReadFile,
  name: string,
  all: readonly string[],
): Promise<string[] | undefined> {
  if (!all.includes(name)) return undefined;
  return new TextDecoder()
    .decode(await readFile(name))
    .trim()
    .split(/\r?\n/);
}

/** The file of labels that goes with a file of pictures. */
function labelsFor(images: string, [from, to]: readonly [RegExp, string], all: readonly string[]): string {
  const wanted = images.replace(from, to).replace(/\.gz$/, "");
  const found = [wanted, `${wanted}.gz`].find((name) => all.includes(name));
  if (!found) throw new UsageError(`${images}: its labels must lie beside it as ${wanted}`);
  return found;
}

const FORMATS: readonly Format[] = [
  {
    name: "CIFAR-10",
    isFrom: /^(data_batch_\d+|test_batch)\.bin$/,
    train: /^data_batch_\d+\.bin$/,
    test: /^test_batch\.bin$/,
    read: async (readFile, files) => readCifar10(await named(readFile, files)),
  },
  {
    name: "CIFAR-100",
    isFrom: /^(train|test)\.bin$/,
    train: /^train\.bin$/,
    test: /^test\.bin$/,
    async read(readFile, files, all) {
      const classes = await linesOf(readFile, "fine_label_names.txt", all);
      return readCifar100(await named(readFile, files), classes ? { classes } : {});
    },
  },
  {
    name: "STL-10",
    isFrom: /^(train|test)_X\.bin$/,
    train: /^train_X\.bin$/,
    test: /^test_X\.bin$/,
    read: async (readFile, [file], all) =>
      readStl10(await readFile(file!), await readFile(labelsFor(file!, [/_X/, "_y"], all))),
  },
  {
    name: "IDX",
    isFrom: /-images[-.]idx3-ubyte(\.gz)?$/,
    train: /^train-images[-.]idx3-ubyte(\.gz)?$/,
    test: /^(t10k|test)-images[-.]idx3-ubyte(\.gz)?$/,
    async read(readFile, [file], all) {
      const labels = labelsFor(file!, [/images([-.])idx3/, "labels$1idx1"], all);
      return readMnist(await readFile(file!), await readFile(labels), { name: file! });
    },
  },
];

/** A folder of JPEG and PNG files: `train/<class>/…` and `test/` or `val/`, or only `<class>/…`. */
async function readPictures(choice: DataChoice, split: Split, options: LoadOptions): Promise<ImageSet> {
  const { data: path, size, limit } = choice;
  const entries = await filesBelow(path);
  const present = ["train", "test", "val"].filter((name) =>
    entries.some((e) => e.path.startsWith(`${name}/`)),
  );
  const wanted = split === "train" ? ["train"] : ["test", "val"];
  const found = wanted.find((name) => present.includes(name));
  if (!found && (split === "test" || present.length > 0)) {
    throw new UsageError(
      `${path}: must hold ${wanted.map((name) => `${name}/<class>/`).join(" or ")} for this; ` +
        `got ${present.map((name) => `${name}/`).join(", ") || "neither train/, test/ nor val/"}`,
    );
  }
  const set = await readImageFolder(entries, {
    decode: await (options.decoder ?? openDecoder)(),
    name: found ? `${nameOf(path)}-${found}` : nameOf(path),
    split: found,
    imageSize: size,
    maxPerClass: limit === undefined ? undefined : Math.ceil(limit / countClasses(entries, found)),
    onProgress: options.onProgress,
  }).catch((error: Error) => {
    if (!error.message.endsWith("Set imageSize.")) throw error;
    throw new UsageError(error.message.replace("Set imageSize.", "Add --data-size."), { cause: error });
  });
  return limit === undefined || limit >= set.count ? set : evenly(set, limit);
}

function countClasses(entries: readonly FolderEntry[], split: string | undefined): number {
  const inside = split === undefined ? entries : entries.filter(({ path }) => path.startsWith(`${split}/`));
  const depth = split === undefined ? 0 : 1;
  const classes = inside.map(({ path }) => path.split("/")).filter((parts) => parts.length > depth + 1);
  return Math.max(1, new Set(classes.map((parts) => parts[depth])).size);
}

/** `count` pictures at even distances, so that every class keeps its share. */
const evenly = (set: ImageSet, count: number): ImageSet =>
  subset(
    set,
    Array.from({ length: count }, (_, i) => Math.floor((i * set.count) / count)),
  );

/** Every picture with its shorter side scaled to `size`, the middle square of it. */
function scaled(set: ImageSet, size: number): ImageSet {
  const { width, height, count, pixels } = set;
  if (width === size && height === size) return set;
  const bytes = bytesPerImage(set);
  const result: ImageSet = {
    ...set,
    width: size,
    height: size,
    pixels: new Uint8Array(count * size * size * 3),
  };
  for (let i = 0; i < count; i++) {
    const picture = { width, height, pixels: pixels.subarray(i * bytes, (i + 1) * bytes) };
    const fitted = centerCrop(resizeShorterSide(picture, size), size);
    result.pixels.set(fitted.pixels, i * bytesPerImage(result));
  }
  return result;
}
