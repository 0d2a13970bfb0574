import { crop, type Grid, type ImageSet, type Match, type Picture, type Place } from "../index.ts";
import { element } from "./element.ts";
import { paintRgb } from "./paint.ts";
import { pixelsOf } from "./patchMaps.ts";
import { placeAt } from "./placeAt.ts";
import { Roving } from "./roving.ts";
import { placeText, similarityText } from "./words.ts";

/** How many patches a crop shows to each side of the one that was found, where the picture has them. */
const AROUND = 1;

/** The places that were found, the best first, each with what is around it. A click searches from there. */
export class Crops {
  readonly root = element("ol", { className: "crops" });
  readonly #roving = new Roving(this.root);
  readonly #pictures: ImageSet;
  readonly #grid: Grid;
  readonly #choose: (place: Place) => void;

  constructor(pictures: ImageSet, grid: Grid, choose: (place: Place) => void) {
    this.#pictures = pictures;
    this.#grid = grid;
    this.#choose = choose;
  }

  show(matches: readonly Match[]): void {
    const { activeElement = null } = this.root.getRootNode() as Partial<ShadowRoot>;
    const hadFocus = this.root.contains(activeElement);
    const buttons = matches.map((match, i) => this.#cropOf(match, i));
    this.root.replaceChildren(...buttons.map((button) => element("li", {}, button)));
    this.#roving.lead(buttons);
    if (hadFocus) buttons[0]?.focus({ preventScroll: true }); // who chose a crop by keys goes on from here
  }

  #cropOf(match: Match, i: number): HTMLButtonElement {
    const score = similarityText(match.similarity);
    const button = element(
      "button",
      { type: "button" },
      element("span", { className: "crop" }, ...around(match, this.#pictures, this.#grid)),
      element("span", { className: "score", textContent: score }),
    );
    button.ariaLabel = `Match ${i + 1}: ${placeText(match)}, ${score}`;
    button.addEventListener("click", () => this.#choose(match));
    return button;
  }
}

/** A place and its neighbours on a canvas, and the frame that tells it from them. */
function around({ picture, row, column }: Place, pictures: ImageSet, { rows, columns }: Grid): HTMLElement[] {
  const { width, height } = pictures;
  const [down, across] = [span(row, rows), span(column, columns)];
  const [left, right] = [edge(across.from, columns, width), edge(across.to, columns, width)];
  const [top, bottom] = [edge(down.from, rows, height), edge(down.to, rows, height)];
  const whole: Picture = { width, height, pixels: pixelsOf(pictures, picture) };
  const cut = crop(whole, left, top, right - left, bottom - top);
  const canvas = element("canvas");
  paintRgb(canvas, cut.pixels, cut.width, cut.height);
  const mark = element("span", { className: "mark" });
  const inside = { rows: down.to - down.from, columns: across.to - across.from };
  placeAt(mark, inside, { row: row - down.from, column: column - across.from });
  return [canvas, mark];
}

/** The pixel at which a place begins. */
const edge = (at: number, count: number, side: number): number => Math.round((at / count) * side);

/** As many places as a crop shows along one side, from the border where the place is close to it. */
function span(at: number, count: number): { from: number; to: number } {
  const length = Math.min(count, 2 * AROUND + 1);
  const from = Math.min(count - length, Math.max(0, at - AROUND));
  return { from, to: from + length };
}
