import type { Grid, ImageSet, Place } from "../index.ts";
import { element } from "./element.ts";
import { paintRgb } from "./paint.ts";
import { pixelsOf } from "./patchMaps.ts";
import { placeAt } from "./placeAt.ts";
import { Roving } from "./roving.ts";

/** One picture, large, whose patches are buttons: a grid for the arrow keys and for screen readers. */
export class QueryPicture {
  readonly root: HTMLElement;
  readonly #canvas = element("canvas", { ariaHidden: "true" });
  readonly #grid = element("div", { className: "places", role: "grid" });
  readonly #roving = new Roving(this.#grid);
  readonly #choose: (row: number, column: number) => void;
  #cells: HTMLButtonElement[] = [];
  #shape = "";

  constructor(choose: (row: number, column: number) => void) {
    this.#choose = choose;
    this.root = element("div", { className: "stage" }, this.#canvas, this.#grid);
  }

  /** Shows the picture of a place and marks the place. */
  show(pictures: ImageSet, grid: Grid, place: Place): void {
    paintRgb(this.#canvas, pixelsOf(pictures, place.picture), pictures.width, pictures.height);
    if (this.#shape !== `${grid.rows} x ${grid.columns}`) this.#build(grid);
    this.#grid.ariaLabel = `Patches of picture ${place.picture + 1}`;
    const chosen = place.row * grid.columns + place.column;
    for (const [i, cell] of this.#cells.entries()) cell.ariaSelected = String(i === chosen);
    this.#roving.stopAt(chosen);
  }

  #build(grid: Grid): void {
    const rows = Array.from({ length: grid.rows }, (_, row) => {
      const cells = Array.from({ length: grid.columns }, (_, column) => {
        const cell = element("button", { type: "button", role: "gridcell" });
        cell.ariaLabel = `Row ${row + 1}, column ${column + 1}`;
        cell.addEventListener("click", () => this.#choose(row, column));
        placeAt(cell, grid, { row, column });
        return cell;
      });
      return element("div", { role: "row" }, ...cells);
    });
    this.#grid.replaceChildren(...rows);
    this.#cells = [...this.#grid.querySelectorAll("button")];
    this.#roving.lead(this.#cells);
    this.#shape = `${grid.rows} x ${grid.columns}`;
  }
}
