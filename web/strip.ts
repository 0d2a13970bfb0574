import { paint } from "../src/explorer/paint.ts";
import type { SightRow } from "../src/train/sights.ts";

/** Rows of small pictures, each with its name. */
export class Strip {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Shows these rows instead of those before. */
  show(rows: readonly SightRow[]): void {
    const largest = Math.max(...rows.map(({ side }) => side));
    while (this.#root.children.length > 2 * rows.length) this.#root.lastChild!.remove();
    for (const [i, { name, side, pixels }] of rows.entries()) {
      const title = this.#part(2 * i, "span");
      title.textContent = name;
      title.ariaHidden = "true"; // the row says it
      const row = this.#part(2 * i + 1, "div");
      row.className = "pictures";
      row.role = "img";
      row.style.setProperty("--share", String(side / largest));
      const bytes = side * side * 3;
      const count = pixels.length / bytes;
      row.ariaLabel = `${name}: ${count} pictures`;
      while (row.children.length > count) row.lastChild!.remove();
      for (let k = 0; k < count; k++) {
        const canvas = (row.children[k] ??
          row.appendChild(document.createElement("canvas"))) as HTMLCanvasElement;
        const own = pixels.subarray(k * bytes, (k + 1) * bytes);
        paint(canvas, () => ({ width: side, height: side, pixels: own }));
      }
    }
  }

  /** The child at a place, made when there is none. */
  #part(at: number, kind: "span" | "div"): HTMLElement {
    return (this.#root.children[at] ?? this.#root.appendChild(document.createElement(kind))) as HTMLElement;
  }
}
