/** Pictures whose pixels are labelled: drawn, or of a folder with masks or outlines. */
import type { Split } from "../../data/dataFormat.ts";
import { readPartMasks } from "../../data/parts/readPartMasks.ts";
import { type Background, objectPixels, type PixelSet, partPixels } from "../../data/pixelSet.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { BUILT_IN, drawCreatures, isDrawn, type LoadOptions, openFolder } from "./datasets.ts";

/** Which pixels a command works on. */
export interface PixelChoice {
  /** A built-in set, or the path of a folder. */
  data: string;
  /** Side of the square pictures; the encoder's when absent. */
  size?: number;
  /** At most this many pictures of a split. */
  limit?: number;
  /** The parts that count; all when absent. */
  parts?: readonly string[];
  /** Label pixels with the class of their object; built-in sets alone. */
  objects?: boolean;
  background: Background;
}

/** Reads or draws one split. What is wrong with the choice, the folder or a file in it is a `UsageError`. */
export const loadPixels = (choice: PixelChoice, split: Split, options: LoadOptions): Promise<PixelSet> =>
  asUsage(async () => {
    const { data, size, limit, parts, objects, background } = choice;
    if (isDrawn(data)) {
      const set = drawCreatures(data, { data, size, limit }, split, options);
      return objects ? objectPixels(set, background) : partPixels(set, background, parts);
    }
    if (objects || BUILT_IN.includes(data)) {
      throw new UsageError(
        objects
          ? `--objects labels the pictures of a built-in set; got ${data}. A folder's masks say what they label`
          : `--data must be whole pictures; got ${data}. Name ${data.replace(/-parts$/, "")}, and --parts where some count`,
      );
    }
    const { files, ...read } = await openFolder(choice, split, options);
    const masked = await readPartMasks(files, {
      ...read,
      size: size ?? options.drawnSize,
      ...(parts ? { parts } : {}),
    });
    return partPixels(masked, background);
  });
