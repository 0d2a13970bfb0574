/** What the cells of a study train on and are asked about: drawn pictures, or those of folders. */
import type { CreatureSet } from "../../data/creatures/creatures.ts";
import type { KindName } from "../../data/creatures/kinds.ts";
import { partCrops } from "../../data/partCrops.ts";
import type { CellPictures } from "../../study/cell.ts";
import { askedSplits, asksPixels, type StudyData, type StudyPlan } from "../../study/plan.ts";
import type { Items, Target } from "../../study/targets.ts";
import { CUT, isDrawn } from "../pictures/datasets.ts";
import { UsageError } from "../system/errors.ts";
import { digestOf, type FolderDigest } from "./folderDigests.ts";
import { type FolderOptions, folderParts, folderPictures } from "./folders.ts";
import { pixelTargets } from "./masks.ts";
import { type DrawnSplit, drawn, type Folder } from "./pieces.ts";

/** The first pictures of a set. */
function head(set: CreatureSet, count: number): CreatureSet {
  const area = set.width * set.height;
  if (count > set.count)
    throw new UsageError(`${set.name}: the study asks for ${count} pictures; it has ${set.count}`);
  return {
    ...set,
    count,
    pixels: set.pixels.subarray(0, 3 * count * area),
    labels: set.labels.subarray(0, count),
    partMask: set.partMask.subarray(0, count * area),
  };
}

interface CellOptions extends Pick<FolderOptions, "decoder" | "validation"> {
  /** Whether pixels are asked about. */
  pixels?: boolean;
}

/**
 * What the cells of one set train on and are asked about. `size` is the encoder's; a folder keeps what is drawn. With
 * `validation` the test split stays unseen: what is asked about is a third split, of a folder a part of its training split.
 */
export async function cellPictures(
  folder: Folder,
  set: StudyData,
  size: number,
  { pixels = false, ...options }: CellOptions = {},
): Promise<CellPictures> {
  const how = { drawnSize: size, ...options };
  const asked = options.validation ? "val" : "test";
  const crops = set.parts > 0 ? partsOf(folder, set, asked, how) : null;
  const pictures = isDrawn(set.source)
    ? await drawnPictures(folder, set.source, set, size, asked, pixels)
    : null;
  const { train, ...objects } = pictures ?? (await folderPictures(set, how));
  const targets: Target[] = [{ name: "objects", ...objects }];
  if (crops) targets.push({ name: "parts", ...(await crops()) });
  return { train, targets, ...(pixels && { pixels: await pixelTargets(set, pictures, how) }) };
}

/**
 * Reads the folders of a study once, so that what is wrong with one is said before hours of work and not in their midst. Gives what
 * was read of each, as digests.
 */
export async function checkFolders(
  plan: StudyPlan,
  size: number,
  options: Pick<FolderOptions, "decoder"> = {},
): Promise<FolderDigest[]> {
  const found: FolderDigest[] = [];
  for (const [name, set] of Object.entries(plan.data)) {
    for (const asked of askedSplits(plan, name)) {
      const how = { ...options, drawnSize: size, validation: asked === "val" };
      const add = (what: string, folder: string, read: Parameters<typeof digestOf>[0]) =>
        found.push({ set: name, key: `${what} ${asked}`, folder, digest: digestOf(read) });
      if (!isDrawn(set.source)) {
        const { train, probe, test } = await folderPictures(set, how);
        add("source", set.source, [train, probe, test]);
      }
      if (set.parts > 0 && !(isDrawn(set.source) && set.partsFrom === undefined)) {
        const { probe, test } = await partsOf(null, set, asked, how)();
        add("partsFrom", set.partsFrom!, [probe, test]);
      }
      for (const { name: of, probe, test } of asksPixels(plan) ? await pixelTargets(set, null, how) : []) {
        const key = of === "parts" ? "masksFrom" : "objectMasksFrom";
        add(key, set[key]!, [probe, test]);
      }
    }
  }
  return found;
}

/** Whole pictures of a built-in set. */
async function drawnPictures(
  folder: Folder,
  source: KindName,
  { train, probe, test }: StudyData,
  size: number,
  asked: DrawnSplit,
  masks: boolean,
): Promise<{ train: CreatureSet; probe: CreatureSet; test: CreatureSet }> {
  const all = await drawn(folder, source, "train", size, Math.max(train, probe), masks);
  return {
    train: head(all, train),
    probe: head(all, probe),
    test: await drawn(folder, source, asked, size, test, masks),
  };
}

/** What cuts out the parts that probes learn from and are tested on. */
function partsOf(
  folder: Folder,
  set: StudyData,
  asked: DrawnSplit,
  how: FolderOptions,
): () => Promise<{ probe: Items; test: Items }> {
  const { source, parts, partsFrom } = set;
  if (partsFrom !== undefined) return () => folderParts({ ...set, partsFrom }, how);
  if (!isDrawn(source)) {
    throw new UsageError(
      `${source}: parts of a folder need partsFrom, a folder of annotated pictures; got none`,
    );
  }
  const { drawnSize, ...rule } = CUT;
  const crops = async (split: DrawnSplit) =>
    partCrops(await drawn(folder, source, split, drawnSize, parts), { ...rule, size: how.drawnSize });
  return async () => ({ probe: await crops("train"), test: await crops(asked) });
}
