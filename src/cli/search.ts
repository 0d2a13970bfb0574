import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type FeatureMaps,
  featureMaps,
  type MapEncoder,
  nearestPlace,
  type Point,
} from "../eval/maps/featureMaps.ts";
import { patchEncoder, windowEncoder } from "../eval/maps/mapEncoders.ts";
import { type Match, search as searchMaps } from "../eval/maps/patchSearch.ts";
import { scrambledPatches } from "../eval/scrambledPatches.ts";
import type { Projection } from "../models/method.ts";
import { methodOf } from "../train/run.ts";
import { whole } from "./options/arguments.ts";
import { scrambleOption } from "./runs/evalInput.ts";
import {
  addLookOptions,
  type Chosen,
  checkPatches,
  type Look,
  type LookFlags,
  openLook,
} from "./runs/savedRun.ts";
import { BESIDE, searchSheet } from "./sheets/searchSheet.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { makeFolder, writeAtomic } from "./system/files.ts";
import { printLine, printResult } from "./system/output.ts";

interface SearchFlags extends LookFlags {
  query?: Point[];
  k: number;
  places: "windows" | "patches" | "crops";
  windows: number;
  share: number;
  pool: "mean" | "cls";
  projection?: string;
  keepSelf?: boolean;
  scramblePatches?: boolean;
}

/** Queries where none is given: the middles of the first pictures. */
const FIRST_QUERIES = 4;
/** Windows, or patches of pictures, that the encoder is shown at once. */
const AT_ONCE = 64;

const AFTER = `
A query is a picture, counted from 0, and a point in it as shares of its width and height, the middle where none is given:
the place whose middle is nearest to the point is looked for among the places of all pictures. Each query becomes a sheet,
query-1.png and so on: what the encoder finds beside what its projection finds, that is the projector of moco-v3, the
prototypes of dino and ibot, the regressor of cae. Windows are the paper's: 7 x 7 of a quarter of the side, magnified.

Examples:
  partwise search runs/moco --data creatures-coat --query 3:0.4,0.5 --query 7 --out sheets
  partwise search runs/moco --data creatures-coat --data-size 128 --side 128 --limit 200 --out sheets
  partwise search runs/moco --data creatures-coat --places patches --out sheets
  partwise search runs/moco --data CUB_200_2011 --parts --places crops --out sheets
`;

/** `partwise search`. */
export const searchCommand = (): Command =>
  addLookOptions(new Command("search"))
    .description("Find places that an encoder takes for alike, beside those that its projection does.")
    .option("--query <point>", "PICTURE or PICTURE:X,Y; may be repeated (default: the first pictures)", point)
    .option("--k <n>", "places found", whole(1, 1000), 24)
    .addOption(
      new Option("--places <kind>", "what is searched: windows, patch tokens, or whole pictures (crops)")
        .choices(["windows", "patches", "crops"])
        .default("windows"),
    )
    .option("--windows <n>", "windows along each side", whole(2, 64), 7)
    .option("--share <x>", "side of a window as a share of the picture's", shareOfSide, 1 / 4)
    .addOption(
      new Option("--pool <reading>", "what the encoder says of a window or crop")
        .choices(["mean", "cls"])
        .default("mean"),
    )
    .option("--projection <name>", "another one of the method's projections, or none")
    .option("--keep-self", "search the query's own picture, too, as the paper does")
    .addOption(scrambleOption())
    .addHelpText("after", AFTER)
    .action(search);

function point(text: string, before: Point[] = []): Point[] {
  const found = /^(\d+)(?::([\d.]+),([\d.]+))?$/.exec(text);
  const [picture, x, y] = [found?.[1], found?.[2] ?? "0.5", found?.[3] ?? "0.5"].map(Number);
  const isShare = (value: number) => value >= 0 && value <= 1;
  if (!found || !Number.isSafeInteger(picture) || !isShare(x!) || !isShare(y!)) {
    throw new InvalidArgumentError(
      "It must be PICTURE or PICTURE:X,Y with X and Y from 0 to 1, as 3:0.4,0.5.",
    );
  }
  return [...before, { picture: picture!, x: x!, y: y! }];
}

function shareOfSide(text: string): number {
  const value = Number(text);
  if (/^[\d.]+$/.test(text) && value >= 0.01 && value < 1) return value;
  throw new InvalidArgumentError("It must be a number from 0.01 to below 1.");
}

async function search(run: string, flags: SearchFlags): Promise<void> {
  if (flags.scramblePatches && flags.places !== "crops") {
    throw new UsageError(`--scramble-patches needs whole pictures, --places crops; got ${flags.places}`);
  }
  const look = await openLook("search", run, flags, (chosen) => check(chosen, flags));
  const { device, images, line } = look;
  const points =
    flags.query ?? Array.from({ length: Math.min(FIRST_QUERIES, images.count) }, middleOfPicture);
  const maps = await asUsage(async () => {
    const batchSize =
      flags.batch ?? (flags.places === "windows" ? Math.ceil(AT_ONCE / flags.windows ** 2) : AT_ONCE);
    const how = { ...look.extract, batchSize };
    if (!flags.scramblePatches) return featureMaps(device, encoderOf(look, flags), images, how);
    const { config } = look;
    const shown = scrambledPatches(images, config, 0);
    return featureMaps(device, encoderOf(look, flags), shown, { ...how, imageSize: config.imageSize });
  });
  line.end();
  const grid = Object.values(maps)[0]!;
  const queries = points.map((one) => nearestPlace(grid, one));
  const found: Record<string, Match[][]> = {};
  for (const [reading, one] of Object.entries<FeatureMaps>(maps)) {
    const options = { k: flags.k, keepSelf: flags.keepSelf ?? false };
    found[reading] = await asUsage(() => searchMaps(device, one, queries, options));
  }
  const sheets = queries.map((query, i) => {
    const lists = Object.entries(found).map(([reading, matches]) => ({ reading, matches: matches[i]! }));
    return searchSheet(look, grid, query, lists);
  });
  await makeFolder(flags.out);
  const files = sheets.map((_, i) => join(flags.out, `query-${i + 1}.png`));
  for (const [i, file] of files.entries()) await writeAtomic(file, sheets[i]!);
  printLine(
    `${queries.length} queries among ${images.count * grid.rows * grid.columns} ${flags.places} of ${images.count} pictures, ` +
      `by ${Object.keys(maps).join(" and ")}; sheets in ${flags.out}`,
  );
  printResult(flags.json, {
    ...look.about,
    places: flags.places,
    results: queries.map((query, i) => ({
      query,
      sheet: files[i],
      found: Object.fromEntries(Object.entries(found).map(([reading, matches]) => [reading, matches[i]])),
    })),
  });
  device.destroy();
}

function check(chosen: Chosen, { query = [], places, projection }: SearchFlags): void {
  const { settings, images } = chosen;
  const stranger = query.find(({ picture }) => picture >= images.count)?.picture;
  if (stranger !== undefined) {
    throw new UsageError(
      `--query must name one of ${images.count} pictures, counted from 0; got ${stranger}`,
    );
  }
  projectionOf(settings.method, methodOf(settings).projections, projection);
  if (places === "patches") checkPatches(chosen);
}

const middleOfPicture = (_: unknown, picture: number): Point => ({ picture, x: 0.5, y: 0.5 });

/** The encoder's reading of places, and the projection's beside it. */
function encoderOf({ params, config, projections, settings }: Look, flags: SearchFlags): MapEncoder {
  const chosen = projectionOf(settings.method, projections, flags.projection);
  if (flags.places === "patches") return patchEncoder(params, config, chosen);
  const grid =
    flags.places === "crops" ? { perSide: 1, share: 1 } : { perSide: flags.windows, share: flags.share };
  return windowEncoder(params, config, chosen, { reading: flags.pool, ...grid });
}

function projectionOf(
  method: string,
  projections: Readonly<Record<string, Projection>> = {},
  asked?: string,
): Readonly<Record<string, Projection>> {
  const name = asked ?? BESIDE[method] ?? "none";
  if (name === "none") return {};
  if (Object.hasOwn(projections, name)) return { [name]: projections[name]! };
  const names = [...Object.keys(projections), "none"].join(", ");
  throw new UsageError(`--projection must be one of those that ${method} has, ${names}; got ${name}`);
}
