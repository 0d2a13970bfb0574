/**
 * Folders of pictures beside folders of masks: PNG files whose values are labels. ADEChallengeData2016 comes like this, LIP
 * nearly, and most tools that outline parts write it.
 */
import type { Split } from "../dataFormat.ts";
import { eachAtMost } from "../eachAtMost.ts";
import { type Folder, type FolderEntry, fileIn, filesFrom, pathBelow } from "../folder.ts";
import { isPicture, nameSome } from "../folderLayout.ts";
import { cut } from "../headerJson.ts";
import { textOf } from "../text.ts";
import { byStem } from "./byStem.ts";
import { decodeMask, IGNORED, labelBoxes, relabelled } from "./labelMask.ts";
import type { AnnotatedPicture, PartAnnotations, PartFormat, ReadPartsOptions } from "./partFormat.ts";

/** A picture and its mask, before either is read. */
export interface MaskedPicture {
  picture: FolderEntry;
  mask: FolderEntry;
}

/** How the two folders are called, alone or behind a word and `_`. */
const PICTURES = /^(.*_)?(images?|imgs?|jpegimages|pictures)$/i;
const MASKS = /^(.*_)?(masks?|anns?|annotations?|labels?|segmentations?|segmentationclass(raw)?)$/i;
/** How folders of splits below them begin. Where test pictures come without masks, val is what one tests on. */
const SPLITS: Record<Split, RegExp[]> = { train: [/^train(?!_?val)/i], test: [/^test/i, /^val/i] };

/** Labels that are no part: the background, and what was not labelled. */
const [BACKGROUND, UNLABELLED] = [0, 255];
const NO_PART: readonly number[] = [BACKGROUND, UNLABELLED];

const foldersLike = ({ folders }: Folder, name: RegExp): Folder[] =>
  [...folders.values()].filter((folder) => name.test(folder.name));

/** Whether a file lies in a folder of the split below `folder`. */
const isOfSplit = (folder: Folder, file: FolderEntry, split: RegExp): boolean =>
  pathBelow(folder, file)
    .split("/")
    .slice(0, -1)
    .some((part) => split.test(part));

/** A split's pictures and masks by name, and those that have both. `only` names those of a list. */
function pairsIn(folder: Folder, split: RegExp, only?: readonly string[]) {
  const [pictures, masks] = [PICTURES, MASKS].map((name) =>
    byStem(
      foldersLike(folder, name).flatMap((inside) =>
        filesFrom(inside).filter((file) => isPicture(file) && isOfSplit(inside, file, split)),
      ),
    ),
  ) as [Map<string, FolderEntry>, Map<string, FolderEntry>];
  const names = only ?? [...pictures.keys()];
  const pairs = names.flatMap((name): MaskedPicture[] => {
    const [picture, mask] = [pictures.get(name), masks.get(name)];
    return picture && mask ? [{ picture, mask }] : [];
  });
  return { pictures, masks, pairs };
}

/** What folders of the split hold: the first kind of them that has pairs, otherwise the first that has files. */
function splitIn(folder: Folder, split: Split, only?: readonly string[]) {
  const all = SPLITS[split].map((name) => pairsIn(folder, name, only));
  const withFiles = all.find(({ pictures, masks }) => pictures.size + masks.size > 0);
  return all.find(({ pairs }) => pairs.length > 0) ?? withFiles ?? all[0]!;
}

/** The pictures of a split that have a mask. `only` names those of a list; what of either is alone is told to `note`. */
export function maskedPictures(
  folder: Folder,
  { split, path, note }: ReadPartsOptions,
  only?: readonly string[],
): MaskedPicture[] {
  const { pictures, masks, pairs } = splitIn(folder, split, only);
  const alone = only ? only.length - pairs.length : pictures.size + masks.size - 2 * pairs.length;
  if (alone > 0) {
    note?.(
      `${path}: ${alone} ${only ? "names of the list" : "pictures or masks"} to ${split} lack their picture or mask and are left out`,
    );
  }
  if (pairs.length === 0) {
    throw new Error(
      `${path}: must hold pictures and masks of the same names in folders of the split for ${split}; ` +
        `got ${pictures.size} pictures and ${masks.size} masks`,
    );
  }
  return pairs;
}

/** Decodes the masks, a few at a time, for the boxes of their labels. `partOf` gives a label's part, -1 where it has no name. */
export async function maskRegions(
  pairs: readonly MaskedPicture[],
  partOf: (label: number) => number,
  { path, note, onProgress }: ReadPartsOptions,
): Promise<AnnotatedPicture[]> {
  const pictures: AnnotatedPicture[] = new Array(pairs.length);
  const nameless = new Map<number, number>();
  let done = 0;
  await eachAtMost(8, pairs, async ({ picture, mask }, i) => {
    const read = async () => decodeMask(mask.path, await mask.read());
    const decoded = await read();
    const { width, height } = decoded;
    const regions = [...labelBoxes(decoded)].flatMap(([label, box]) => {
      if (NO_PART.includes(label)) return [];
      const part = partOf(label);
      if (part < 0) nameless.set(label, (nameless.get(label) ?? 0) + 1);
      return part < 0 ? [] : [{ part, ...box }];
    });
    const labelled = async () =>
      relabelled(await read(), (label) => {
        if (label === UNLABELLED) return IGNORED;
        return label === BACKGROUND ? 0 : partOf(label) + 1;
      });
    pictures[i] = { file: picture, annotated: { width, height }, points: [], regions, mask: labelled };
    onProgress?.(++done, pairs.length);
  });
  if (nameless.size > 0) {
    const count = [...nameless.values()].reduce((sum, n) => sum + n, 0);
    const labels = nameSome([...nameless.keys()].sort((a, b) => a - b).map(String));
    note?.(`${path}: ${count} regions are left out whose labels have no name (${labels})`);
  }
  return pictures;
}

/** Files that name labels: a number and a name a line, or a table with the number first and the name last. */
const NAMES = ["classes.txt", "labels.txt", "objectInfo150.txt"];

/** Names by label, each once; above numbered lines the first may be a heading. */
export async function labelNames(file: FolderEntry): Promise<Map<number, string>> {
  const lines = textOf(await file.read()).split(/\r?\n/);
  const rows = lines.flatMap((line, i) => {
    const [, label, rest] = /^\s*(\d+)[\s:,]+(.*?)\s*$/.exec(line) ?? [];
    const row = rest ? { label: Number(label), name: rest.split("\t").at(-1)!.trim() } : undefined;
    return line.trim() === "" ? [] : [{ line, number: i + 1, row }];
  });
  const [first, second] = rows;
  const names = new Map<number, string>();
  for (const { line, number, row } of first && !first.row && second?.row ? rows.slice(1) : rows) {
    const fail = (must: string): never => {
      throw new Error(`${file.path}: line ${number} must have ${must}; got "${cut(line)}"`);
    };
    if (!row) fail("a label's number and its name");
    else if (names.has(row.label)) fail("a label that no line before has");
    else names.set(row.label, row.name);
  }
  return names;
}

export const masks: PartFormat = {
  name: "masks",
  holds:
    "images/train/ and images/val/ beside masks/ or annotations/ with a PNG of labels for each picture; classes.txt names them",
  isIn: (folder) => [PICTURES, MASKS].every((name) => foldersLike(folder, name).length > 0),
  async read(folder, options): Promise<PartAnnotations> {
    const pairs = maskedPictures(folder, options);
    const file = NAMES.map((name) => fileIn(folder, name)).find(Boolean);
    if (file) {
      const names = await labelNames(file);
      for (const label of NO_PART) names.delete(label);
      const labels = [...names.keys()];
      const pictures = await maskRegions(pairs, (label) => labels.indexOf(label), options);
      return { partNames: [...names.values()], pictures };
    }
    // Nameless labels run to the highest of both splits, so that both have the same parts.
    const other = splitIn(folder, options.split === "train" ? "test" : "train");
    const both = await maskRegions([...pairs, ...other.pairs], (label) => label - 1, options);
    const most = both
      .flatMap(({ regions }) => regions.map(({ part }) => part))
      .reduce((a, b) => Math.max(a, b), 0);
    const partNames = Array.from({ length: most + 1 }, (_, part) => `label ${part + 1}`);
    return { partNames, pictures: both.slice(0, pairs.length) };
  },
};
