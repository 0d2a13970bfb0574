/** The pictures of a study whose pixels are labelled: drawn ones, whose parts are known, or those of folders with masks. */
import type { CreatureSet } from "../../data/creatures/creatures.ts";
import { objectPixels, type PixelSet, partPixels, pixelSubset } from "../../data/pixelSet.ts";
import { asksPixels, type StudyData, type StudyPlan } from "../../study/plan.ts";
import type { PixelTarget } from "../../study/targets.ts";
import { isDrawn } from "../pictures/datasets.ts";
import { loadPixels } from "../pictures/pixelSets.ts";
import { UsageError } from "../system/errors.ts";
import type { FolderOptions } from "./folders.ts";

/**
 * What is asked about pixels: of the folders that a set names, otherwise of its drawn pictures; nothing where it has neither. What
 * shows nothing named does not count, as in the paper.
 */
export async function pixelTargets(
  { masksFrom, objectMasksFrom, ...counts }: StudyData,
  drawn: { probe: CreatureSet; test: CreatureSet } | null,
  how: FolderOptions,
): Promise<PixelTarget[]> {
  const asked = [
    { name: "objects", from: objectMasksFrom, label: objectPixels },
    { name: "parts", from: masksFrom, label: partPixels },
  ] as const;
  const found: PixelTarget[] = [];
  for (const { name, from, label } of asked) {
    if (from !== undefined) found.push({ name, ...(await folderPixels(from, counts, how)) });
    else if (drawn) {
      const { probe, test } = drawn;
      found.push({ name, probe: label(probe, "ignored"), test: label(test, "ignored") });
    }
  }
  return found;
}

/** As many pictures of a folder as are asked for, or as there are. Validation is every second one of the training split. */
async function folderPixels(
  from: string,
  { probe, test }: Pick<StudyData, "probe" | "test">,
  { validation = false, ...how }: FolderOptions,
): Promise<Pick<PixelTarget, "probe" | "test">> {
  const load = (split: "train" | "test", limit: number): Promise<PixelSet> =>
    loadPixels({ data: from, limit, background: "ignored" }, split, how);
  if (!validation) return { probe: await load("train", probe), test: await load("test", test) };
  const all = await load("train", 2 * Math.max(probe, test));
  const half = (side: number, most: number): PixelSet =>
    pixelSubset(
      all,
      Array.from({ length: all.count }, (_, i) => i)
        .filter((i) => i % 2 === side)
        .slice(0, most),
    );
  return { probe: half(0, probe), test: half(1, test) };
}

/** Who asks about pixels must have a set with some that are labelled, and who names masks must ask. */
export function checkMasks(file: string, plan: Pick<StudyPlan, "data" | "probes">): void {
  const sets = Object.entries(plan.data);
  const isLabelled = ({ source, masksFrom, objectMasksFrom }: StudyData) =>
    isDrawn(source) || masksFrom !== undefined || objectMasksFrom !== undefined;
  if (asksPixels(plan)) {
    if (sets.some(([, set]) => isLabelled(set))) return;
    throw new UsageError(
      `${file}: probes: segmentation needs a set with labelled pixels; got none. ` +
        "Name a built-in source, or masksFrom, a folder of pictures and masks",
    );
  }
  for (const [name, set] of sets) {
    for (const key of ["masksFrom", "objectMasksFrom"] as const) {
      if (set[key] === undefined) continue;
      throw new UsageError(
        `${file}: data.${name}.${key}: must come with the probe segmentation; ` +
          `got ${plan.probes.join(", ")}. Add it to probes`,
      );
    }
  }
}
