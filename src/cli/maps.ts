import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { subset } from "../data/images.ts";
import { featureMaps } from "../eval/maps/featureMaps.ts";
import { pcaMaps } from "../eval/maps/pcaMaps.ts";
import { whole } from "./options/arguments.ts";
import { addLookOptions, checkPatches, type LookFlags, openLook } from "./runs/savedRun.ts";
import { mapSheet, mapsEncoder } from "./sheets/mapSheet.ts";
import { asUsage } from "./system/errors.ts";
import { makeFolder, writeAtomic } from "./system/files.ts";
import { printLine, printResult } from "./system/output.ts";

interface MapFlags extends LookFlags {
  count: number;
  threshold?: number;
}

const AFTER = `
The sheet maps.png has a row for each picture: the picture; the first three principal components of its patches, which are
those of all pictures on the sheet, as red, green and blue; and for each head of the last block what the class token looks at.
A larger --side, a multiple of the patch size, makes finer maps (except of beit, whose positions are relative).

Examples:
  partwise maps runs/dino --data creatures-coat --out sheets
  partwise maps runs/dino --data creatures-coat --data-size 64 --side 64 --threshold 0.6 --out sheets
`;

/** `partwise maps`. */
export const mapsCommand = (): Command =>
  addLookOptions(new Command("maps"))
    .description("Show where an encoder's class token looks, and which patches have like features.")
    .option("--count <n>", "pictures on the sheet, from the first on", whole(1, 100), 8)
    .option("--threshold <x>", "show the fewest patches that hold this share of a head's attention", share)
    .addHelpText("after", AFTER)
    .action(maps);

function share(text: string): number {
  const value = Number(text);
  if (/^[\d.]+$/.test(text) && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number above 0 and at most 1.");
}

async function maps(run: string, flags: MapFlags): Promise<void> {
  const limit = Math.min(flags.limit ?? flags.count, flags.count);
  const look = await openLook("maps", run, { ...flags, limit }, checkPatches);
  const { device, images, config, line, params } = look;
  const few = subset(
    images,
    Array.from({ length: Math.min(flags.count, images.count) }, (_, i) => i),
  );
  const batchSize = flags.batch ?? few.count;
  const found = await asUsage(() =>
    featureMaps(device, mapsEncoder(params, config), few, { ...look.extract, batchSize }),
  );
  line.end();
  const colours = await asUsage(() => pcaMaps(found.encoder));
  const sheet = mapSheet(look, found.attention, colours, flags.threshold);
  await makeFolder(flags.out);
  const file = join(flags.out, "maps.png");
  await writeAtomic(file, sheet);
  printLine(
    `attention of ${config.numHeads} heads and principal components of ${few.count} pictures; ${file}`,
  );
  printResult(flags.json, { ...look.about, pictures: few.count, heads: config.numHeads, sheet: file });
  device.destroy();
}
