import type { Picture } from "../../data/resize.ts";
import type { Parameters } from "../../engine/graph/parameters.ts";
import { attentionEncoder, holdingShare } from "../../eval/maps/attentionMaps.ts";
import type { FeatureMaps, MapEncoder } from "../../eval/maps/featureMaps.ts";
import { patchEncoder } from "../../eval/maps/mapEncoders.ts";
import type { VitConfig } from "../../models/vit.ts";
import type { Look } from "../runs/savedRun.ts";
import { type Colour, lineHeight, Sheet } from "./sheet.ts";

const TILE = 128;
const GAP = 8;
const MARGIN = 24;
const HEADING = 2;
const CAPTION = 1;

/** Little to much: black, violet, magenta, orange, a pale yellow; each lighter than the one before. */
const HEAT: readonly Colour[] = [
  [0, 0, 4],
  [80, 18, 123],
  [182, 54, 121],
  [251, 136, 97],
  [252, 253, 191],
];
/** What a head does not hold stays this bright. */
const DIMMED = 0.25;

/** What a sheet of maps shows: patch tokens and attention. */
export function mapsEncoder(params: Parameters, config: VitConfig): MapEncoder<"encoder" | "attention"> {
  const [patches, attention] = [patchEncoder(params, config), attentionEncoder(params, config)];
  return { encode: (images) => ({ ...patches.encode(images), ...attention.encode(images) }) };
}

/** A row for each picture of the maps: the picture, its colours, and its attention head by head; a PNG. */
export function mapSheet(
  { picture, settings, images }: Pick<Look, "picture" | "settings" | "images">,
  attention: FeatureMaps,
  colours: Uint8ClampedArray,
  threshold?: number,
): Uint8Array {
  const { count, rows, columns, dim: heads } = attention;
  const headings = ["picture", "pca", ...Array.from({ length: heads }, (_, head) => `head ${head + 1}`)];
  const top = MARGIN + lineHeight(HEADING) + GAP;
  const foot = lineHeight(CAPTION) + GAP;
  const sheet = new Sheet(
    2 * MARGIN + headings.length * (TILE + GAP) - GAP,
    top + count * (TILE + GAP) + foot + MARGIN - GAP,
  );
  const leftOf = (column: number) => MARGIN + column * (TILE + GAP);
  for (const [column, heading] of headings.entries()) sheet.write(heading, leftOf(column), MARGIN, HEADING);
  const places = rows * columns;
  for (let i = 0; i < count; i++) {
    const above = top + i * (TILE + GAP);
    sheet.put(picture(i), leftOf(0), above, TILE);
    const own = Uint8Array.from(colours.subarray(i * places * 3, (i + 1) * places * 3));
    sheet.put({ width: columns, height: rows, pixels: own }, leftOf(1), above, TILE, "squares");
    for (let head = 0; head < heads; head++) {
      const map = Float32Array.from(
        { length: places },
        (_, place) => attention.values[(i * places + place) * heads + head]!,
      );
      const left = leftOf(2 + head);
      if (threshold === undefined) {
        sheet.put({ width: columns, height: rows, pixels: heatOf(map) }, left, above, TILE, "squares");
      } else sheet.put(masked(picture(i), holdingShare(map, threshold), rows, columns), left, above, TILE);
    }
  }
  const words = `${settings.method}  ${settings.model.replaceAll("_", "-")}  ${images.name}`;
  sheet.write(words, MARGIN, top + count * (TILE + GAP), CAPTION);
  return sheet.png();
}

/** A map as colours, its least value the darkest and its largest the lightest. */
function heatOf(map: Float32Array): Uint8Array {
  const low = map.reduce((least, value) => Math.min(least, value));
  const high = map.reduce((most, value) => Math.max(most, value));
  const pixels = new Uint8Array(map.length * 3);
  for (const [i, value] of map.entries()) {
    const at = high > low ? ((value - low) / (high - low)) * (HEAT.length - 1) : 0;
    const first = Math.min(HEAT.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) {
      const [from, to] = [HEAT[first]![c]!, HEAT[first + 1]![c]!];
      pixels[i * 3 + c] = Math.round(from + (to - from) * (at - first));
    }
  }
  return pixels;
}

/** A picture that is dark outside of the patches of a mask. */
function masked(picture: Picture, mask: Uint8Array, rows: number, columns: number): Picture {
  const { width, height } = picture;
  const pixels = picture.pixels.map((level, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const patch = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
    return mask[patch] ? level : level * DIMMED;
  });
  return { width, height, pixels };
}
