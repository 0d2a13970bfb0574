import { type Grid, type ImageSet, nearestPlace, type Place, pictureAt, type Similar } from "../index.ts";
import { element } from "./element.ts";
import { heatPicture, paint } from "./paint.ts";
import { placeAt } from "./placeAt.ts";
import { Roving } from "./roving.ts";
import { similarityText } from "./words.ts";

interface Tile {
  button: HTMLButtonElement;
  heat: HTMLCanvasElement;
  mark: HTMLElement;
}

/** Every picture with a heat map over it. A click chooses the place under it; a key the picture, at the place of before. */
export class HeatMaps {
  readonly root = element("ul", { className: "pictures", role: "list" });
  readonly #choose: (place: Place) => void;
  readonly #tiles: readonly Tile[];
  readonly #grid: Grid;
  #query: Place = { picture: 0, row: 0, column: 0 };

  /** `pictures` as large as tiles are shown. */
  constructor(pictures: ImageSet, grid: Grid, choose: (place: Place) => void) {
    this.#grid = grid;
    this.#choose = choose;
    this.#tiles = Array.from({ length: pictures.count }, (_, i) => this.#tileOf(pictures, i));
    const buttons = this.#tiles.map(({ button }) => button);
    this.root.append(...buttons.map((button) => element("li", {}, button)));
    new Roving(this.root).lead(buttons);
  }

  /** Shows how alike every place is, in the colours between the limits, and where the query is. */
  show({ maps }: Similar, query: Place, limits: readonly [number, number]): void {
    const { rows, columns } = this.#grid;
    this.#query = query;
    for (const [i, { button, heat, mark }] of this.#tiles.entries()) {
      const values = maps.subarray(i * rows * columns, (i + 1) * rows * columns);
      paint(heat, () => heatPicture(values, this.#grid, limits));
      mark.hidden = i !== query.picture;
      if (!mark.hidden) placeAt(mark, this.#grid, query);
      button.ariaCurrent = String(!mark.hidden);
      button.ariaLabel = `Picture ${i + 1}, at most ${similarityText(Math.max(...values))}`;
    }
  }

  #tileOf(pictures: ImageSet, picture: number): Tile {
    const canvas = element("canvas");
    paint(canvas, () => pictureAt(pictures, picture));
    const heat = element("canvas", { className: "heat" });
    const mark = element("span", { className: "mark", hidden: true });
    const button = element("button", { type: "button" }, canvas, heat, mark);
    button.ariaLabel = `Picture ${picture + 1}`;
    button.addEventListener("click", (event) => this.#choose(this.#placeOf(event, button, picture)));
    return { button, heat, mark };
  }

  /** The place under the pointer. A click that comes from a key has none. */
  #placeOf({ detail, clientX, clientY }: MouseEvent, button: HTMLElement, picture: number): Place {
    if (detail === 0) return { ...this.#query, picture };
    const { left, top, width, height } = button.getBoundingClientRect();
    return nearestPlace(this.#grid, { picture, x: (clientX - left) / width, y: (clientY - top) / height });
  }
}
