import { boxOf, crop, type Grid, type ImageSet, type Match, type Place, pictureAt } from "../index.ts";
import { element } from "./element.ts";
import { atMost, paint } from "./paint.ts";
import { layOver } from "./placeAt.ts";
import { Roving } from "./roving.ts";
import { placeText, similarityText } from "./words.ts";

/** What a crop shows to each side of the place that was found, in sides of the place. */
const AROUND = { patch: 1, window: 1 / 4 } as const;

/** Pixels along a crop's side at most: it is shown a third of a panel wide. */
const CROP_SIDE = 384;

/** The places that were found, the best first, each with what is around it. A click searches from there. */
export class Crops {
  readonly root = element("ol", { className: "crops", role: "list" });
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

/** A place and what is around it on a canvas, and the frame that tells it from that. */
function around(place: Place, pictures: ImageSet, grid: Grid): HTMLElement[] {
  const { width, height } = pictures;
  const box = boxOf(grid, place);
  const margin = grid.share === undefined ? AROUND.patch : AROUND.window;
  const [across, down] = [span(box.left, box.width, margin), span(box.top, box.height, margin)];
  const [left, right] = [across.from, across.to].map((share) => Math.round(share * width)) as [
    number,
    number,
  ];
  const [top, bottom] = [down.from, down.to].map((share) => Math.round(share * height)) as [number, number];
  const canvas = element("canvas");
  paint(canvas, () => {
    const cut = crop(pictureAt(pictures, place.picture), left, top, right - left, bottom - top);
    return atMost(cut, CROP_SIDE);
  });
  const mark = element("span", { className: "mark" });
  layOver(mark, {
    left: across.shareOf(box.left - across.from),
    top: down.shareOf(box.top - down.from),
    width: across.shareOf(box.width),
    height: down.shareOf(box.height),
  });
  return [canvas, mark];
}

/** What a crop shows along one side, as shares of the picture's: whole where the place is close to the border, too. */
function span(at: number, side: number, margin: number) {
  const length = Math.min(1, side * (1 + 2 * margin));
  const from = Math.min(1 - length, Math.max(0, at - side * margin));
  return { from, to: from + length, shareOf: (share: number) => share / length };
}
