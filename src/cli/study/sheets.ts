/** What an encoder of a study makes of some test pictures, as sheets: files beside the result of its cell, which the report shows. */
import { IMAGENET_STATISTICS, type ImageSet, pictureAt, splitAt } from "../../data/images.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { fitPicture } from "../../eval/encoding.ts";
import { featureMaps } from "../../eval/maps/featureMaps.ts";
import { windowEncoder } from "../../eval/maps/mapEncoders.ts";
import { search } from "../../eval/maps/patchSearch.ts";
import { pcaMaps } from "../../eval/maps/pcaMaps.ts";
import { TARGETS, type Target } from "../../study/targets.ts";
import type { SavedEncoder } from "../../train/checkpoint.ts";
import { maeConfigOfRun, type RunSettings } from "../../train/run.ts";
import type { Trainer } from "../../train/trainer.ts";

import { completedSheet } from "../sheets/completedSheet.ts";
import { cropsSheet } from "../sheets/cropsSheet.ts";
import { mapSheet, mapsEncoder } from "../sheets/mapSheet.ts";
import { BESIDE, searchSheet } from "../sheets/searchSheet.ts";

/** Pictures whose windows are searched, windows that are found, and pictures of the other sheets. */
const SEARCHED = 12;
const FOUND = 12;
const SHOWN = 4;

/** What is asked: some test pictures and the parts that are cut out of the same drawings; nothing where there are no parts. */
export function askedSheets(targets: readonly Target[]): Map<string, Uint8Array> {
  const [objects, parts] = TARGETS.map((name) => targets.find((target) => target.name === name));
  return new Map(objects && parts ? [["parts", cropsSheet(objects.test, parts.test, SHOWN)]] : []);
}

/** Sheets of a trained run by the names of their files: those of its encoder, and of MAE completed pictures. */
export async function runSheets(trainer: Trainer, test: ImageSet): Promise<Map<string, Uint8Array>> {
  const { device, settings, encoder: params, method } = trainer;
  const { projections = {} } = method;
  const encoder = { params, config: method.encoder.config, projections };
  const sheets = await encoderSheets(device, encoder, settings, test);
  const mae = maeConfigOfRun(settings);
  if (mae) sheets.set("reconstructions", await completedSheet(trainer, mae, firstOf(test, SHOWN)));
  return sheets;
}

const firstOf = (test: ImageSet, count: number): ImageSet => splitAt(test, Math.min(count, test.count))[0];

/** Sheets of an encoder by the names of their files: a patch search from the first picture's middle, and maps. */
export async function encoderSheets(
  device: Device,
  { params, config, projections }: SavedEncoder,
  settings: RunSettings,
  test: ImageSet,
): Promise<Map<string, Uint8Array>> {
  const lookAt = (images: ImageSet) => ({
    ...{ settings, images },
    picture: (i: number) => fitPicture(pictureAt(images, i), config.imageSize),
  });
  const extract = { statistics: IMAGENET_STATISTICS, imageSize: config.imageSize };

  const few = firstOf(test, SHOWN);
  const maps = await featureMaps(device, mapsEncoder(params, config), few, extract);
  const sheets = new Map([["maps", mapSheet(lookAt(few), maps.attention, pcaMaps(maps.encoder))]]);

  const searched = firstOf(test, SEARCHED);
  const name = BESIDE[settings.method];
  const beside = name === undefined ? {} : { [name]: projections[name]! };
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
  return sheets;
}
