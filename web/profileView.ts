import { kernelTable, rateText } from "../src/profile/byKernel.ts";
import type { StepProfile } from "./messages.ts";

/** A profiled step as a table, with its trace to save. */
export class ProfileView {
  readonly #root: HTMLElement;
  #url: string | null = null;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  show({ rows, roofline, trace }: StepProfile): void {
    this.clear();
    const { header, lines } = kernelTable(rows);
    this.#part("thead").replaceChildren(line(header, "th"));
    this.#part("tbody").replaceChildren(...lines.map((cells) => line(cells, "td")));
    const { gigabytesPerSecond, gigaflopsPerSecond } = roofline;
    this.#part(".rates").textContent =
      `Measured just now: ${rateText(gigabytesPerSecond)} GB/s of memory, ${rateText(gigaflopsPerSecond)} GFLOP/s of ` +
      "arithmetic. A kernel's roofline is the least time these allow it, over the time it took.";
    this.#url = URL.createObjectURL(new Blob([JSON.stringify(trace)], { type: "application/json" }));
    this.#part<HTMLAnchorElement>("a").href = this.#url;
    this.#root.hidden = false;
    this.#root.scrollIntoView();
  }

  clear(): void {
    this.#root.hidden = true;
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  #part<T extends Element = HTMLElement>(selector: string): T {
    return this.#root.querySelector<T>(selector)!;
  }
}

function line(cells: readonly string[], kind: "th" | "td"): HTMLTableRowElement {
  const row = document.createElement("tr");
  for (const text of cells) row.appendChild(document.createElement(kind)).textContent = text;
  return row;
}
