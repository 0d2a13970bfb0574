import { type CreatureSet, creatures } from "../../data/creatures/creatures.ts";
import { KINDS, type KindName } from "../../data/creatures/kinds.ts";
import type { Split } from "../../data/dataFormat.ts";
import { readDataSet } from "../../data/dataSet.ts";
import type { Decoder } from "../../data/decode.ts";
import { checkEvaluation } from "../../data/evaluationPair.ts";
import { nameSome } from "../../data/folderLayout.ts";
import { ImageSizeError } from "../../data/imageFolder.ts";
import { centerCrops, checkPixelBytes, type ImageSet } from "../../data/images.ts";
import { partCrops } from "../../data/partCrops.ts";
import { readPartCrops } from "../../data/parts/readPartCrops.ts";
import { type DataDescription, descriptionOf } from "../../train/run.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { kindOf, nameOf } from "../system/files.ts";
import { listFolder } from "../system/listing.ts";
import { printNote } from "../system/output.ts";
import { openDecoder } from "./codec.ts";
import type { PartChoice } from "./partOptions.ts";

/** Which pictures a command works on. */
export interface DataChoice {
  /** A built-in set, or the path of a folder. */
  data: string;
  /** Side to which pictures are drawn or scaled in memory; as they are when absent. */
  size?: number;
  /** At most this many pictures, or crops, of a split. */
  limit?: number;
  /** The annotated parts of a folder's pictures are cut out and are what is worked on. */
  parts?: PartChoice;
}

export interface LoadOptions {
  /** Side at which creatures are drawn when the choice names none. */
  drawnSize: number;
  /** Side of the squares that a folder's pictures of different sizes become when the choice names none; an error when absent. */
  mixedSize?: number;
  /** Pictures are scaled to this side, and their middle of side `drawnSize` is what is worked on. */
  resize?: number;
  onProgress?: (done: number, total: number) => void;
  /** Supplies the picture codec; the program's own when absent. */
  decoder?: () => Promise<Decoder>;
  /** Told in one sentence what is left out of a folder; on stderr when absent. */
  note?: (sentence: string) => void;
}

/** Sets that are drawn, by name. */
const DRAWN = Object.keys(KINDS) as KindName[];
export const isDrawn = (data: string): data is KindName => Object.hasOwn(KINDS, data);

/** The parts of a drawn set's pictures, cut out: each a set of its own, whose labels are the parts. */
const PARTS = new Map(DRAWN.map((kind) => [`${kind}-parts`, kind]));
/**
 * How parts are cut out of drawn pictures: the side they are drawn at (a part is a ninth of a picture's width), the shortest
 * half distance to a neighbour, and which parts (with all ten points the eye leaves no room to the head).
 */
export const CUT = { drawnSize: 128, above: 10, parts: ["head", "body", "leg", "tail", "wing"] };

/** The built-in sets by name. */
export const BUILT_IN: readonly string[] = [...DRAWN, ...PARTS.keys()];

/** Pictures of a built-in set when no limit is given. */
export const CREATURES: Record<Split, number> = { train: 4096, test: 1024 };

/** Count and size of one split: the built-in set's without drawing it, a folder's by reading it. */
export async function describeSplit(
  choice: DataChoice,
  split: Split,
  options: LoadOptions,
): Promise<DataDescription> {
  const { data, limit } = choice;
  if (!isDrawn(data)) return descriptionOf(await loadSplit(choice, split, options));
  const side = choice.size ?? options.drawnSize;
  const { classes } = KINDS[data];
  const count = limit ?? CREATURES[split];
  return { name: `${data}-${split}`, count, width: side, height: side, classes: classes.length };
}

/** Reads or draws one split. What is wrong with the folder or a file in it is a `UsageError` that names it. */
export const loadSplit = (choice: DataChoice, split: Split, options: LoadOptions): Promise<ImageSet> =>
  asUsage(async () => {
    const { resize, drawnSize } = options;
    if (resize === undefined) return load(choice, split, options);
    return centerCrops(await load({ ...choice, size: resize }, split, options), drawnSize);
  });

async function load(choice: DataChoice, split: Split, options: LoadOptions): Promise<ImageSet> {
  const { data, parts } = choice;
  if (parts && BUILT_IN.includes(data)) {
    throw new UsageError(
      `--parts cuts up the pictures of a folder; got ${data}. Name ${nameSome([...PARTS.keys()])}`,
    );
  }
  if (isDrawn(data)) return drawCreatures(data, choice, split, options);
  if (PARTS.has(data)) return cutParts(PARTS.get(data)!, choice, split, options);
  return readFolder(choice, split, options);
}

/** Both splits for an evaluation. A pair whose accuracy would mean nothing is a `UsageError`. */
export async function loadPair(
  choice: DataChoice,
  options: (split: Split) => LoadOptions,
): Promise<Record<Split, ImageSet>> {
  const train = await loadSplit(choice, "train", options("train"));
  const test = await loadSplit(choice, "test", options("test"));
  await asUsage(() => checkEvaluation(train, test, options("test").note ?? printNote));
  return { train, test };
}

export function drawCreatures(
  kind: KindName,
  { size, limit }: DataChoice,
  split: Split,
  { drawnSize, onProgress }: LoadOptions,
): CreatureSet {
  const count = limit ?? CREATURES[split];
  const side = size ?? drawnSize;
  checkPixelBytes(kind, count, { width: side, height: side });
  onProgress?.(0, count);
  return creatures({ kind, count, size: side, split });
}

/** Crops of the parts of as many pictures as a set has, at the side that is asked for. */
function cutParts(kind: KindName, choice: DataChoice, split: Split, options: LoadOptions): ImageSet {
  const { drawnSize, ...how } = CUT;
  const whole = drawCreatures(kind, { ...choice, size: drawnSize }, split, options);
  return partCrops(whole, { ...how, size: choice.size ?? options.drawnSize });
}

async function readFolder(choice: DataChoice, split: Split, options: LoadOptions): Promise<ImageSet> {
  const { size, parts } = choice;
  const { files, ...read } = await openFolder(choice, split, options);
  if (parts) {
    const { names, side, above } = parts;
    return readPartCrops(files, { ...read, parts: names, side, above, size: size ?? options.drawnSize });
  }
  return readDataSet(files, { ...read, imageSize: size }).catch((error: Error) => {
    if (!(error instanceof ImageSizeError)) throw error;
    const { mixedSize } = options;
    if (mixedSize !== undefined)
      return readDataSet(files, { ...read, imageSize: mixedSize, note: undefined }); // it was told
    throw new UsageError(`${error.problem}. Add --data-size.`, { cause: error });
  });
}

/** The files of a folder, and what every reader of pictures is told. */
export async function openFolder(
  { data: path, limit }: Pick<DataChoice, "data" | "limit">,
  split: Split,
  { decoder = openDecoder, note = printNote, onProgress }: LoadOptions,
) {
  await checkFolder(path);
  const { files, unopened } = await listFolder(path);
  if (unopened.length > 0) {
    const count = unopened.length === 1 ? "1 entry" : `${unopened.length} entries`;
    note(`${path}: ${count} left out that cannot be opened (${nameSome(unopened)})`);
  }
  return { files, split, name: nameOf(path), path, limit, openDecoder: decoder, note, onProgress };
}

async function checkFolder(path: string): Promise<void> {
  const kind = await kindOf(path);
  if (kind === "folder") return;
  if (kind === null) {
    const hint = path.includes("\ufffd") ? ": its name is not UTF-8, rename it" : "";
    throw new UsageError(
      `--data must be ${BUILT_IN.join(", ")} or a folder of pictures; ${path} does not exist${hint}`,
    );
  }
  const archive = /\.(tar|tar\.\w+|tgz|zip)$/i.test(path);
  throw new UsageError(
    archive
      ? `--data must be a folder; ${path} is an archive: unpack it somewhere (tar xf, unzip) and name the folder inside`
      : `--data must be a folder; ${path} is a file: name the folder that holds it`,
  );
}
