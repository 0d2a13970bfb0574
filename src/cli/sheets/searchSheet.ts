import { boxOf, type Grid, type Place } from "../../eval/maps/featureMaps.ts";
import type { Match } from "../../eval/maps/patchSearch.ts";
import { PROJECTIONS } from "../../study/claims.ts";
import type { Look } from "../runs/savedRun.ts";
import { type Colour, lineHeight, Sheet } from "./sheet.ts";

/** What one reading found, the best first. */
export interface FoundBy {
  reading: string;
  matches: readonly Match[];
}

/** Of encoders that have one: the projection whose finds stand beside the encoder's. */
export const BESIDE: Readonly<Record<string, string>> = { ...PROJECTIONS, cae: "regressor" };

const QUERY: Colour = [214, 40, 40];
const FOUND: Colour = [255, 196, 0];
const TILE = 96;
const GAP = 6;
const MARGIN = 24;
/** Side of the query's picture: three tiles. */
const LARGE = 3 * TILE + 2 * GAP;
/** Between query and lists, and between lists. */
const ALLEY = 36;
const HEADING = 2;
const CAPTION = 1;
/** Room for a heading, and under a tile for its similarity. */
const HEAD = lineHeight(HEADING) + 8;
const UNDER = lineHeight(CAPTION) + 3;
/** Tiles beside each other in one list. */
const ACROSS = { one: 8, several: 4 } as const;

/** A query's picture with its place outlined, and beside it what each reading found; a PNG. */
export function searchSheet(
  { picture, settings, images }: Pick<Look, "picture" | "settings" | "images">,
  grid: Grid,
  query: Place,
  lists: readonly FoundBy[],
): Uint8Array {
  const across = lists.length > 1 ? ACROSS.several : ACROSS.one;
  const down = Math.max(...lists.map(({ matches }) => Math.ceil(matches.length / across)));
  const listWidth = across * (TILE + GAP) - GAP;
  const width = 2 * MARGIN + LARGE + lists.length * (ALLEY + listWidth);
  const besides = 3 * lineHeight(HEADING) + 3 * GAP;
  const height = 2 * MARGIN + HEAD + Math.max(down * (TILE + UNDER + GAP) - GAP, LARGE + besides);
  const sheet = new Sheet(width, height);
  const top = MARGIN + HEAD;
  sheet.write(`picture ${query.picture}`, MARGIN, MARGIN, HEADING);
  const shown = { left: MARGIN, top, side: LARGE, colour: QUERY, dim: false };
  sheet.putPlace(picture(query.picture), boxOf(grid, query), shown);
  const words = [settings.method, settings.model, images.name];
  for (const [i, word] of words.entries()) {
    sheet.write(
      word.replaceAll("_", "-"),
      MARGIN,
      top + LARGE + GAP * (i + 2) + i * lineHeight(CAPTION),
      CAPTION,
    );
  }
  for (const [i, { reading, matches }] of lists.entries()) {
    const start = MARGIN + LARGE + ALLEY + i * (listWidth + ALLEY);
    sheet.write(reading, start, MARGIN, HEADING);
    for (const [j, match] of matches.entries()) {
      const left = start + (j % across) * (TILE + GAP);
      const above = top + Math.floor(j / across) * (TILE + UNDER + GAP);
      const isWhole = grid.rows * grid.columns === 1;
      if (isWhole) sheet.put(picture(match.picture), left, above, TILE);
      else {
        const place = { left, top: above, side: TILE, colour: FOUND, dim: true };
        sheet.putPlace(picture(match.picture), boxOf(grid, match), place);
      }
      sheet.write(match.similarity.toFixed(3), left, above + TILE + 3, CAPTION);
    }
  }
  return sheet.png();
}
