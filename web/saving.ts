/** A line with a link that saves a file which the page holds. */
export class Saving {
  readonly #line: HTMLElement;
  readonly #link: HTMLAnchorElement;
  readonly #saved = new WeakSet<Uint8Array>();
  #offered: Uint8Array | null = null;

  /** The first link of the line is the one that saves. */
  constructor(line: HTMLElement) {
    this.#line = line;
    this.#link = line.querySelector("a")!;
    this.#link.addEventListener("click", () => {
      if (this.#offered) this.#saved.add(this.#offered);
    });
  }

  /** Offers these bytes under a name. */
  offer(bytes: Uint8Array<ArrayBuffer>, name: string): void {
    this.clear();
    this.#offered = bytes;
    this.#link.href = URL.createObjectURL(new Blob([bytes]));
    this.#link.download = name;
    this.#line.hidden = false;
  }

  clear(): void {
    URL.revokeObjectURL(this.#link.href);
    this.#offered = null;
    this.#line.hidden = true;
  }

  /** Whether these bytes were offered and taken. */
  isSaved(bytes: Uint8Array): boolean {
    return this.#saved.has(bytes);
  }
}

/** Asks a person who leaves the page to stay, while it has what would be lost. */
export function stayWhile(wouldLose: () => boolean): void {
  window.addEventListener("beforeunload", (event) => {
    if (wouldLose()) event.preventDefault();
  });
}
