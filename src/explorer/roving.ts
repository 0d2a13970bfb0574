/** From where in the list a key leads to, or undefined for other keys. `across` elements are in a row. */
function target(
  key: string,
  control: boolean,
  at: number,
  across: number,
  count: number,
): number | undefined {
  const start = at - (at % across);
  switch (key) {
    case "ArrowRight":
      return at + 1;
    case "ArrowLeft":
      return at - 1;
    case "ArrowDown":
      return at + across;
    case "ArrowUp":
      return at - across;
    case "Home":
      return control ? 0 : start;
    case "End":
      return control ? count - 1 : Math.min(count - 1, start + across - 1);
    default:
      return undefined;
  }
}

/**
 * One stop of the Tab key for many elements that lie in rows: the arrow keys, Home and End move the focus among them, as the
 * ARIA authoring practices have it (roving tabindex).
 */
export class Roving {
  #elements: readonly HTMLElement[] = [];
  #current = 0;

  constructor(root: HTMLElement) {
    root.addEventListener("keydown", (event) => this.#move(event));
    root.addEventListener("focusin", ({ target }) => {
      const at = this.#elements.indexOf(target as HTMLElement);
      if (at >= 0) this.stopAt(at);
    });
  }

  /** Leads among these from now on. */
  lead(elements: readonly HTMLElement[]): void {
    this.#elements = elements;
    for (const one of elements) one.tabIndex = -1;
    this.stopAt(Math.min(this.#current, elements.length - 1));
  }

  /** The Tab key comes to this one. */
  stopAt(index: number): void {
    const before = this.#elements[this.#current];
    if (before) before.tabIndex = -1;
    this.#current = Math.max(0, index);
    const now = this.#elements[this.#current];
    if (now) now.tabIndex = 0;
  }

  #move(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey || event.shiftKey) return;
    const count = this.#elements.length;
    const focused = this.#elements.indexOf(event.target as HTMLElement);
    const from = focused < 0 ? this.#current : focused;
    const to = target(event.key, event.ctrlKey, from, this.#across(), count);
    if (to === undefined) return;
    event.preventDefault();
    this.#elements[to]?.focus();
  }

  /** How many lie in the first row, however the page lays them out. */
  #across(): number {
    const tops = this.#elements.map((one) => one.getBoundingClientRect().top);
    const next = tops.findIndex((top) => top > tops[0]! + 1);
    return next < 0 ? Math.max(1, tops.length) : next;
  }
}
