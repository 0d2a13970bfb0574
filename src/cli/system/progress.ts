const TERMINAL_EVERY_MS = 100;
const LOG_EVERY_MS = 5000;

/** The line that is not ended yet: a terminal has one cursor. */
let open: ProgressLine | null = null;

/** Ends the line that is not ended yet, if there is one, so that what is printed next begins its own. */
export const endOpenLine = (): void => open?.end();

/** Progress on stderr: one line that is rewritten on a terminal, a line every few seconds elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #text = "";
  #shown = "";
  #last = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** Shows a text, unless another was shown just before. */
  show(text: string): void {
    this.#text = text;
    const now = performance.now();
    if (now - this.#last < (this.#stream.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS)) return;
    this.#last = now;
    this.#write();
  }

  /** Shows the latest text if it was held back, and ends the line. */
  end(): void {
    if (this.#text !== this.#shown) this.#write();
    if (this.#stream.isTTY && this.#shown !== "") this.#stream.write("\n");
    this.#text = "";
    this.#shown = "";
    this.#last = Number.NEGATIVE_INFINITY;
    if (open === this) open = null;
  }

  #write(): void {
    if (open !== this) endOpenLine();
    open = this;
    this.#shown = this.#text;
    this.#stream.write(this.#stream.isTTY ? `\r${this.#fitting()}\x1b[K` : `${this.#text}\n`);
  }

  /** What a terminal shows without breaking the line, which `\r` would not go back behind. */
  #fitting(): string {
    const { columns } = this.#stream;
    return columns > 1 ? this.#text.slice(0, columns - 1) : this.#text; // some say 0, or nothing
  }
}

/** Seconds as people say them: `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes in the unit that leaves one to four digits: `512 KiB`, `1.5 GiB`. */
export function byteSize(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`;
}
