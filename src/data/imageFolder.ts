import type { Decoder } from "./decode.ts";
import { checkImageSet, type ImageSet } from "./images.ts";
import { centerCrop, type Filter, type Picture, resizeShorterSide } from "./resize.ts";

/** One file of a folder, as the platform lists it. */
export interface FolderEntry {
  /** Path below the folder, with "/" between its parts. */
  path: string;
  read(): Promise<Uint8Array>;
}

export interface ImageFolderOptions {
  decode: Decoder;
  name?: string;
  /** Which of train, val, test to read. Needed where the folder has them, not allowed where it has none. */
  split?: string;
  /** Side of the square pictures. May be left out where all files already have one size. */
  imageSize?: number;
  filter?: Filter;
  /** At most this many pictures of each class, the first by name. */
  maxPerClass?: number;
  /** Called after each picture. */
  onProgress?(done: number, total: number): void;
  /** Files being read at one time (default 16). */
  concurrency?: number;
}

const SPLITS = ["train", "val", "test"];

interface LabelledEntry {
  entry: FolderEntry;
  split: string | undefined;
  className: string;
}

/**
 * Reads an ImageNet-style folder: `<split>/<class>/**.jpg|jpeg|png` or `<class>/**` -> pixels [N, S, S, 3].
 * Classes are the folder names in alphabetical order, over all splits, so labels agree between them.
 * Pictures come by class, then by path, whatever the order of the listing.
 * Files of another size are scaled (shorter side to `imageSize`, Pillow's bicubic) and cropped in the middle.
 */
export async function readImageFolder(
  entries: readonly FolderEntry[],
  options: ImageFolderOptions,
): Promise<ImageSet> {
  const {
    decode,
    name = "imageFolder",
    imageSize,
    filter = "bicubic",
    onProgress,
    concurrency = 16,
  } = options;
  const { chosen, classes } = choose(name, entries, options);
  const labelOf = new Map(classes.map((className, label) => [className, label]));
  let side = imageSize ? { width: imageSize, height: imageSize } : undefined;
  let pixels = new Uint8Array(0);
  let done = 0;
  const load = async ({ entry }: LabelledEntry, i: number): Promise<void> => {
    const decoded = decode(entry.path, await entry.read());
    const picture = imageSize ? fitSquare(decoded, imageSize, filter) : decoded;
    if (!side || pixels.length === 0) {
      side = { width: picture.width, height: picture.height };
      pixels = new Uint8Array(chosen.length * picture.pixels.length);
    }
    if (picture.width !== side.width || picture.height !== side.height) {
      throw new Error(
        `${name}: without imageSize all pictures must be ${side.width} x ${side.height} as the first; ` +
          `got ${picture.width} x ${picture.height} in ${entry.path}. Set imageSize.`,
      );
    }
    pixels.set(picture.pixels, i * picture.pixels.length);
    onProgress?.(++done, chosen.length);
  };
  // The first picture may set the size of all: it is not left to which file is read soonest.
  await load(chosen[0]!, 0);
  await eachAtMost(concurrency, chosen.slice(1), (entry, i) => load(entry, i + 1));
  return checkImageSet({
    name,
    width: side!.width,
    height: side!.height,
    count: chosen.length,
    pixels,
    labels: Int32Array.from(chosen, ({ className }) => labelOf.get(className)!),
    classes,
  });
}

/** Files of the wanted split with their classes, in reading order. */
function choose(
  name: string,
  entries: readonly FolderEntry[],
  { split, maxPerClass = Number.POSITIVE_INFINITY }: ImageFolderOptions,
): { chosen: LabelledEntry[]; classes: string[] } {
  const labelled = labelEntries(entries.filter(({ path }) => /\.(jpe?g|png)$/i.test(path)));
  const splits = [...new Set(labelled.map((e) => e.split ?? "none"))].sort();
  const ofSplit = labelled.filter((e) => e.split === split);
  if (ofSplit.length === 0) {
    throw new Error(
      `${name}: needs .jpg or .png files in ${split ? `${split}/` : ""}<class>/; got ${labelled.length} pictures ` +
        `among ${entries.length} files, splits: ${splits.join(", ") || "none"}. ` +
        (split ? "Check the folder and the split." : "Name the split to read, or check the folder."),
    );
  }
  const classes = [...new Set(labelled.map((e) => e.className))].sort();
  ofSplit.sort((a, b) => compare(a.className, b.className) || compare(a.entry.path, b.entry.path));
  const seen = new Map<string, number>();
  const chosen = ofSplit.filter(({ className }) => {
    const before = seen.get(className) ?? 0;
    seen.set(className, before + 1);
    return before < maxPerClass;
  });
  return { chosen, classes };
}

/** Finds split and class in each path. The folder itself may be the first part, as browsers list it. */
function labelEntries(entries: readonly FolderEntry[]): LabelledEntry[] {
  const paths = entries.map(({ path }) => path.split("/").filter((part) => part !== "" && part !== "."));
  const hasSplitAt = (depth: number) =>
    paths.some((parts) => parts.length > depth + 2 && SPLITS.includes(parts[depth]!));
  const root = !hasSplitAt(0) && hasSplitAt(1) ? 1 : 0;
  return entries.flatMap((entry, i) => {
    const parts = paths[i]!.slice(root);
    const split = parts.length > 2 && SPLITS.includes(parts[0]!) ? parts[0] : undefined;
    const className = parts[split === undefined ? 0 : 1]!;
    return parts.length > 1 ? [{ entry, split, className }] : [];
  });
}

/** The middle square of a picture, scaled to `size`; unchanged where it has this size already. */
function fitSquare(picture: Picture, size: number, filter: Filter): Picture {
  if (picture.width === size && picture.height === size) return picture;
  return centerCrop(resizeShorterSide(picture, size, filter), size);
}

/** Runs `work` over all items with at most `limit` under way; the first failure stops the rest. */
async function eachAtMost<T>(
  limit: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
