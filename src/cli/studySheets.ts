/** What an encoder of a study makes of some test pictures, as sheets: files beside the result of its cell, which the report shows. */
import { IMAGENET_STATISTICS, type ImageSet, splitAt } from "../data/images.ts";
import { fitPicture, pictureAt } from "../eval/encoding.ts";
import { featureMaps } from "../eval/featureMaps.ts";
import { windowEncoder } from "../eval/mapEncoders.ts";
import { search } from "../eval/patchSearch.ts";
import { pcaMaps } from "../eval/pcaMaps.ts";
import { maeConfigOfRun } from "../train/run.ts";
import type { Trainer } from "../train/trainer.ts";
import { completedSheet } from "./completedSheet.ts";
import { mapSheet, mapsEncoder } from "./mapSheet.ts";
import { BESIDE } from "./search.ts";
import { searchSheet } from "./searchSheet.ts";

/** Pictures whose windows are searched, windows that are found, and pictures of the other sheets. */
const SEARCHED = 24;
const FOUND = 12;
const SHOWN = 4;

/** Sheets by the names of their files: a patch search from the first picture's middle, maps, and of MAE completed pictures. */
export async function cellSheets(trainer: Trainer, test: ImageSet): Promise<Map<string, Uint8Array>> {
  const { device, settings, encoder: params, method } = trainer;
  const { config } = method.encoder;
  const first = (count: number): ImageSet => splitAt(test, Math.min(count, test.count))[0];
  const lookAt = (images: ImageSet) => ({
    ...{ settings, images },
    picture: (i: number) => fitPicture(pictureAt(images, i), config.imageSize),
  });
  const extract = { statistics: IMAGENET_STATISTICS, imageSize: config.imageSize };

  const few = first(SHOWN);
  const maps = await featureMaps(device, mapsEncoder(params, config), few, extract);
  const sheets = new Map([["maps", mapSheet(lookAt(few), maps.attention, pcaMaps(maps.encoder))]]);

  const searched = first(SEARCHED);
  const name = BESIDE[settings.method];
  const beside = name === undefined ? {} : { [name]: method.projections![name]! };
  const windows = await featureMaps(device, windowEncoder(params, config, beside), searched, {
    ...extract,
    batchSize: 1, // picture, of many windows
  });
  const { rows, columns } = windows.encoder!;
  const query = { picture: 0, row: Math.floor(rows / 2), column: Math.floor(columns / 2) };
  const lists = [];
  for (const [reading, found] of Object.entries(windows)) {
    const [matches] = await search(device, found, [query], { k: FOUND, keepSelf: false });
    lists.push({ reading, matches: matches! });
  }
  sheets.set("search", searchSheet(lookAt(searched), windows.encoder!, query, lists));

  const mae = maeConfigOfRun(settings);
  if (mae) sheets.set("reconstructions", await completedSheet(trainer, mae, few));
  return sheets;
}
