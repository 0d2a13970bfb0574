import { type Box, boxOf, type Grid, type ImageSet, type Place, pictureAt } from "../index.ts";
import { element } from "./element.ts";
import { atMost, paint } from "./paint.ts";
import { cellOf, layOver, placeAt } from "./placeAt.ts";
import { Roving } from "./roving.ts";

/** Pixels along the picture's side at most: two for each of the CSS pixels that the style sheet gives it. */
const STAGE_SIDE = 840;

/**
 * One picture, large, whose places are buttons: a grid for the arrow keys and for screen readers. Where places overlap, each
 * button has the points that are nearest to its place, and the place itself is outlined while the pointer or the focus is there.
 */
export class QueryPicture {
  readonly root: HTMLElement;
  readonly #canvas = element("canvas", { ariaHidden: "true" });
  readonly #cellGrid = element("div", { className: "places", role: "grid" });
  readonly #roving = new Roving(this.#cellGrid);
  readonly #mark = element("span", { className: "mark" });
  readonly #preview = element("span", { className: "preview", hidden: true });
  readonly #choose: (row: number, column: number) => void;
  #cells: HTMLButtonElement[] = [];
  #shape = "";
  /** What is painted. */
  #painted: { pictures: ImageSet; picture: number } | null = null;
  /** The box of the place that has the focus. */
  #focused: Box | null = null;

  constructor(choose: (row: number, column: number) => void) {
    this.#choose = choose;
    this.root = element(
      "div",
      { className: "stage" },
      this.#canvas,
      this.#cellGrid,
      this.#mark,
      this.#preview,
    );
    this.#cellGrid.addEventListener("pointerleave", () => this.#outline(this.#focused));
    this.#cellGrid.addEventListener("focusout", () => {
      this.#focused = null;
      this.#outline(null);
    });
  }

  /** Shows the picture of a place and marks the place. */
  show(pictures: ImageSet, grid: Grid, place: Place): void {
    const { picture } = place;
    if (this.#painted?.pictures !== pictures || this.#painted.picture !== picture) {
      paint(this.#canvas, () => atMost(pictureAt(pictures, picture), STAGE_SIDE));
      this.#painted = { pictures, picture };
    }
    const { rows, columns, share } = grid;
    if (this.#shape !== `${rows} x ${columns}, ${share}`) this.#build(grid);
    this.#cellGrid.ariaLabel = `${share === undefined ? "Patches" : "Windows"} of picture ${picture + 1}`;
    const chosen = place.row * columns + place.column;
    for (const [i, cell] of this.#cells.entries()) cell.ariaSelected = String(i === chosen);
    placeAt(this.#mark, grid, place);
    this.#roving.stopAt(chosen);
  }

  #build(grid: Grid): void {
    const rows = Array.from({ length: grid.rows }, (_, row) => {
      const cells = Array.from({ length: grid.columns }, (_, column) => this.#cellOf(grid, row, column));
      return element("div", { role: "row" }, ...cells);
    });
    this.#cellGrid.replaceChildren(...rows);
    this.#cells = [...this.#cellGrid.querySelectorAll("button")];
    this.#roving.lead(this.#cells);
    this.#shape = `${grid.rows} x ${grid.columns}, ${grid.share}`;
  }

  #cellOf(grid: Grid, row: number, column: number): HTMLButtonElement {
    const cell = element("button", { type: "button", role: "gridcell" });
    cell.ariaLabel = `Row ${row + 1}, column ${column + 1}`;
    cell.addEventListener("click", () => this.#choose(row, column));
    const box = boxOf(grid, { row, column });
    cell.addEventListener("pointerenter", () => this.#outline(box));
    cell.addEventListener("focus", () => {
      this.#focused = box;
      this.#outline(box);
    });
    layOver(cell, cellOf(grid, { row, column }));
    return cell;
  }

  /** Outlines a place, or none. */
  #outline(box: Box | null): void {
    this.#preview.hidden = box === null;
    if (box) layOver(this.#preview, box);
  }
}
