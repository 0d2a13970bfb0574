import { type ImageSet, pictureAt } from "../../data/images.ts";
import { fitPicture } from "../../eval/encoding.ts";
import { type Items, picturesOf } from "../../study/targets.ts";
import { lineHeight, Sheet } from "./sheet.ts";

const TILE = 112;
const GAP = 8;
const MARGIN = 24;
const CAPTION = 1;
const UNDER = lineHeight(CAPTION) + 4;
/** Parts of one picture that find room. */
const MOST = 7;

/** A row for each of the first pictures that have parts: the picture with its class, then its parts with their names; a PNG. */
export function cropsSheet(objects: Items, parts: Items, rows: number): Uint8Array {
  const origins = picturesOf(parts);
  const cropsOf = (picture: number): number[] => [...origins.keys()].filter((i) => origins[i] === picture);
  const shown = [...new Set(origins)].filter((picture) => picture < objects.count).slice(0, rows);
  const columns = 1 + Math.max(1, ...shown.map((picture) => Math.min(MOST, cropsOf(picture).length)));
  const sheet = new Sheet(
    2 * MARGIN + columns * (TILE + GAP) - GAP,
    2 * MARGIN + shown.length * (TILE + UNDER + GAP) - GAP,
  );
  for (const [row, picture] of shown.entries()) {
    const above = MARGIN + row * (TILE + UNDER + GAP);
    const put = (set: ImageSet, i: number, column: number) => {
      const left = MARGIN + column * (TILE + GAP);
      sheet.put(fitPicture(pictureAt(set, i), set.width), left, above, TILE);
      sheet.write(set.classes[set.labels[i]!]!.toLowerCase(), left, above + TILE + 4, CAPTION);
    };
    put(objects, picture, 0);
    for (const [column, crop] of cropsOf(picture).slice(0, MOST).entries()) put(parts, crop, column + 1);
  }
  return sheet.png();
}
