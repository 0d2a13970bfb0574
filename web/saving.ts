/** A line with a link that saves a file which the page holds. */
export class Saving {
  readonly #line: HTMLElement;
  readonly #link: HTMLAnchorElement;

  /** The first link of the line is the one that saves. */
  constructor(line: HTMLElement) {
    this.#line = line;
    this.#link = line.querySelector("a")!;
  }

  /** Offers these bytes under a name. */
  offer(bytes: Uint8Array<ArrayBuffer>, name: string): void {
    this.clear();
    this.#link.href = URL.createObjectURL(new Blob([bytes]));
    this.#link.download = name;
    this.#line.hidden = false;
  }

  clear(): void {
    URL.revokeObjectURL(this.#link.href);
    this.#line.hidden = true;
  }
}
