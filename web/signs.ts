import { inWords } from "./words.ts";

/** What a method logs besides its loss, the signs of collapse among it, as terms with their latest values. */
export class Signs {
  readonly #root: HTMLElement;
  #values = new Map<string, HTMLElement>();

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  show(metrics: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(metrics)) {
      const shown = this.#values.get(name) ?? this.#add(name);
      shown.textContent = Number(value.toPrecision(3)).toString();
    }
  }

  clear(): void {
    this.#root.replaceChildren();
    this.#values = new Map();
  }

  #add(name: string): HTMLElement {
    const term = Object.assign(document.createElement("dt"), { textContent: inWords(name) });
    const value = document.createElement("dd");
    value.dataset.metric = name;
    const pair = document.createElement("div");
    pair.append(term, value);
    this.#root.append(pair);
    this.#values.set(name, value);
    return value;
  }
}
