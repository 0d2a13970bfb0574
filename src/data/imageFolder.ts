import type { DataFormat, ReadOptions } from "./dataFormat.ts";
import type { Decoder } from "./decode.ts";
import { eachAtMost } from "./eachAtMost.ts";
import { type Folder, type FolderEntry, folderOf } from "./folder.ts";
import { type ChoiceOptions, choosePictures } from "./folderChoice.ts";
import { contentsOf, hasSplits, holdsPictures, layoutOf, type SplitName } from "./folderLayout.ts";
import { checkImageSet, checkPixelBytes, fitsPixels, type ImageSet } from "./images.ts";
import { type Filter, fitSquare } from "./resize.ts";

/** Pictures that cannot be read as they are: of different sizes, or too large together. A side for all of them mends it. */
export class ImageSizeError extends Error {
  /** The sentence without what to do. */
  readonly problem: string;

  constructor(problem: string) {
    super(`${problem}. Set imageSize.`);
    this.problem = problem;
  }
}

export interface ImageFolderOptions extends ChoiceOptions {
  decode: Decoder;
  name?: string;
  /** Side of the square pictures. May be left out where all files already have one size. */
  imageSize?: number;
  filter?: Filter;
  /** Called after each picture. */
  onProgress?: (done: number, total: number) => void;
  /** Files being read at one time (default 16). */
  concurrency?: number;
}

/**
 * Reads an ImageNet-style folder: `<split>/<class>/**.jpg|jpeg|png|webp`, `<class>/**`, or pictures alone
 * -> pixels [N, S, S, 3]. Splits are called train or training, test or testing, val, valid or validation, in any case.
 * Classes are the folder names in alphabetical order, over all splits that share any with the training set, so labels
 * agree between them; without class folders every label is -1. Hidden files and folders are ignored, and what else is
 * left out is told to `note`. Pictures come by class, then by path, whatever the order of the listing.
 * Files of another size are scaled (shorter side to `imageSize`, Pillow's bicubic) and cropped in the middle.
 */
export async function readImageFolder(
  entries: readonly FolderEntry[],
  options: ImageFolderOptions,
): Promise<ImageSet> {
  const listed = folderOf(entries);
  const [only] = listed.folders.values();
  // Browsers list the folder itself as the first part of every path.
  const isAbove = listed.files.length === 0 && listed.folders.size === 1 && !hasSplits(listed);
  return readPictures(isAbove && only && hasSplits(only) ? only : listed, options);
}

/** The same of a folder that is a tree already. */
async function readPictures(folder: Folder, options: ImageFolderOptions): Promise<ImageSet> {
  const { decode, name = "imageFolder", imageSize, filter, onProgress, concurrency = 16 } = options;
  const { entries, labels, classes } = choosePictures(name, folder, options);
  let side = imageSize ? { width: imageSize, height: imageSize } : undefined;
  let pixels = new Uint8Array(0);
  let done = 0;
  const load = async (entry: FolderEntry, i: number): Promise<void> => {
    const decoded = decode(entry.path, await entry.read());
    const picture = imageSize ? fitSquare(decoded, imageSize, filter) : decoded;
    if (!side || pixels.length === 0) {
      side = { width: picture.width, height: picture.height };
      if (imageSize) checkPixelBytes(name, entries.length, side);
      else if (!fitsPixels(entries.length, side)) {
        throw new ImageSizeError(
          `${name}: without imageSize ${entries.length} pictures must fit in one array; ` +
            `as large as the first, ${side.width} x ${side.height}, they do not`,
        );
      }
      pixels = new Uint8Array(entries.length * picture.pixels.length);
    }
    if (picture.width !== side.width || picture.height !== side.height) {
      throw new ImageSizeError(
        `${name}: without imageSize all pictures must be ${side.width} x ${side.height} as the first; ` +
          `got ${picture.width} x ${picture.height} in ${entry.path}`,
      );
    }
    pixels.set(picture.pixels, i * picture.pixels.length);
    onProgress?.(++done, entries.length);
  };
  // The first picture may set the size of all: it is not left to which file is read soonest.
  await load(entries[0]!, 0);
  await eachAtMost(concurrency, entries.slice(1), (entry, i) => load(entry, i + 1));
  return checkImageSet({ name, ...side!, count: entries.length, pixels, labels, classes });
}

/** Class folders in folders of splits. */
export const splitFolders: DataFormat = {
  name: "folders",
  holds: "train/<class>/ and test/<class>/ or val/<class>/ with JPEG, PNG or WebP files",
  isIn: hasSplits,
  read: readSplit,
};

/** Any other folder of pictures. */
export const pictureFolders: DataFormat = {
  name: "pictures",
  holds: "<class>/ with such files, or the files alone: to pretrain on",
  isIn: holdsPictures,
  read: readSplit,
};

/** A split of a folder with the name of what was read: `pets-val`, or `pets` where there are no splits. */
export async function readSplit(folder: Folder, options: ReadOptions): Promise<ImageSet> {
  const { name, openDecoder } = options;
  const split = splitToRead(folder, options);
  return readPictures(folder, {
    ...options,
    split,
    name: split ? `${name}-${split}` : name,
    decode: await openDecoder(),
  });
}

/** Which of the splits stands for the one that is asked for: to test, the first that has classes of the training set. */
function splitToRead(folder: Folder, { split, path }: ReadOptions): SplitName | undefined {
  const layout = layoutOf(folder);
  if (layout.kind === "unclear") throw new Error(`${path}: ${layout.why}.`);
  if (layout.kind === "classes" && split === "train") return undefined;
  const splits = layout.kind === "splits" ? layout.splits : new Map<SplitName, Folder>();
  const wanted: SplitName[] = split === "train" ? ["train"] : ["test", "val"];
  const found = wanted.filter((name) => splits.has(name));
  if (found.length === 0) {
    throw new Error(
      `${path}: must hold ${wanted.map((name) => `${name}/<class>/`).join(" or ")} for this; ` +
        `got ${[...splits.keys()].map((name) => `${name}/`).join(", ") || "neither train/, test/ nor val/"}`,
    );
  }
  const training = splits.get("train");
  const known = training && contentsOf(training).classes;
  const shares = (name: SplitName): boolean =>
    [...contentsOf(splits.get(name)!).classes.keys()].some((className) => known?.has(className));
  return found.find(shares) ?? found[0];
}
