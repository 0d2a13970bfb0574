/**
 * The pictures of a study that lie in folders: whole ones, and parts of annotated ones. Validation is held out of the training
 * split, since it chooses settings that the test split must not have seen.
 */
import { balanced } from "../../data/balanced.ts";
import { checkEvaluation } from "../../data/evaluationPair.ts";
import { type ImageSet, subset } from "../../data/images.ts";
import type { StudyData } from "../../study/plan.ts";
import { type Items, picturesOf } from "../../study/targets.ts";
import { type LoadOptions, loadSplit } from "../pictures/datasets.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { printNote } from "../system/output.ts";

export interface FolderOptions extends LoadOptions {
  /** Tests on pictures held out of the training split. */
  validation?: boolean;
}

/** What is trained on, what probes learn from, what they are tested on. A folder with fewer than asked for is a `UsageError`. */
export async function folderPictures(
  { source, train, probe, test }: StudyData,
  { validation = false, ...how }: FolderOptions,
): Promise<{ train: ImageSet; probe: ImageSet; test: ImageSet }> {
  const load = async (split: "train" | "test", count: number) => {
    const found = await loadSplit({ data: source, size: how.drawnSize, limit: count }, split, how);
    if (found.count === count) return found;
    throw new UsageError(
      `${source}: the study asks for ${count} pictures to ${split}${validation ? ", validation among them" : ""}; ` +
        `it has ${found.count}. Ask for fewer`,
    );
  };
  const most = Math.max(train, probe);
  const all = await load("train", validation ? most + test : most);
  const chosen = balanced(all.labels, most);
  const known = subset(all, chosen);
  const asked = validation ? subset(all, others(all.count, chosen)) : await load("test", test);
  const few = (count: number) => (count === most ? known : subset(known, balanced(known.labels, count)));
  const found = { train: few(train), probe: few(probe), test: asked };
  await asUsage(() => checkEvaluation(found.probe, found.test, how.note ?? printNote));
  return found;
}

/** Crops of parts by the paper's rule, `parts` of either split at most: there are as many as there are. */
export async function folderParts(
  { parts, partsFrom }: StudyData & { partsFrom: string },
  { validation = false, ...how }: FolderOptions,
): Promise<{ probe: Items; test: Items }> {
  const load = (split: "train" | "test", limit: number): Promise<Items> =>
    loadSplit(
      { data: partsFrom, size: how.drawnSize, limit, parts: { side: "text", above: 20 } },
      split,
      how,
    );
  const found = validation
    ? byPicture(partsFrom, await load("train", 2 * parts))
    : { probe: await load("train", parts), test: await load("test", parts) };
  await asUsage(() => checkEvaluation(found.probe, found.test, how.note ?? printNote));
  return found;
}

/** Which of so many indices are not chosen. */
function others(count: number, chosen: ArrayLike<number>): number[] {
  const taken = new Set(Array.from(chosen));
  return Array.from({ length: count }, (_, i) => i).filter((i) => !taken.has(i));
}

/** Crops in halves, so that every second picture with all of its crops is in the other. */
function byPicture(folder: string, crops: Items): { probe: Items; test: Items } {
  const pictures = picturesOf(crops);
  const rank = new Map([...new Set(pictures)].map((picture, i) => [picture, i]));
  if (rank.size < 2) {
    throw new UsageError(
      `${folder}: validation needs crops of two training pictures or more, to learn from one half and be tested on the other; ` +
        `got those of ${rank.size}. Add pictures, or ask for more parts`,
    );
  }
  const half = (side: number): Items => {
    const own = [...pictures.keys()].filter((crop) => rank.get(pictures[crop]!)! % 2 === side);
    return { ...subset(crops, own), pictures: Int32Array.from(own, (crop) => pictures[crop]!) };
  };
  return { probe: half(0), test: half(1) };
}
