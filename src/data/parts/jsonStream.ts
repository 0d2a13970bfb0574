/**
 * Large JSON files in bounded memory: of an object at the top, the elements of those of its arrays that are asked for, one at
 * a time, from bytes in pieces of any size. What is held is the element that a piece ends in.
 */
import { shown } from "../headerJson.ts";
import { join } from "../pictureFile.ts";
import { textOf } from "../text.ts";

/** One object of an array. */
export interface JsonElement {
  /** The array's name in the object at the top. */
  key: string;
  index: number;
  /** Where it starts in the file, in bytes. */
  at: number;
  value: Record<string, unknown>;
}

/** Largest element, in bytes; the longest outline of COCO has a thousandth of it. */
const MOST_ELEMENT = 2 ** 26;
/** Longest key at the top, in bytes. */
const MOST_KEY = 1024;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isOpening = (byte: number): boolean => byte === OPEN_OBJECT || byte === OPEN_LIST;
const isClosing = (byte: number): boolean => byte === CLOSE_OBJECT || byte === CLOSE_LIST;

/** What may come next at the top of the file, or between the elements of an array that is read. */
type Expected = "start" | "key" | "colon" | "value" | "comma" | "element" | "elementComma" | "nothing";

/** Reads the objects of the arrays called `keys`. Everything else is passed over, and its brackets counted. */
export class JsonArrays {
  private readonly name: string;
  private readonly keys: readonly string[];
  private expected: Expected = "start";
  /** Bytes of all pieces before this one. */
  private before = 0;
  /** Brackets that are open inside of the value, key or element under way. */
  private depth = 0;
  private isText = false;
  private isEscaped = false;
  /** The value under way: a key, an element, or one that is passed over. */
  private under: "key" | "element" | "skipped" | null = null;
  private start = 0;
  private kept: Uint8Array[] = [];
  /** Bytes in `kept`: all that is held until the next piece. */
  held = 0;
  private key = "";
  private index = 0;

  /** `name` is the file's, for errors. */
  constructor(name: string, keys: readonly string[]) {
    this.name = name;
    this.keys = keys;
  }

  /** The elements that end in this piece. */
  *push(piece: Uint8Array): Generator<JsonElement> {
    for (let i = 0; i < piece.length; i++) {
      if (this.under === null) this.between(piece[i]!, this.before + i);
      if (this.under === null) continue;
      const end = this.endIn(piece, i);
      if (this.under !== "skipped") this.keep(piece.subarray(i, end));
      i = end - 1;
      if (this.depth > 0 || this.isText || (this.under === "skipped" && end === piece.length)) continue;
      if (this.under === "element") yield this.element();
      else if (this.under === "key") this.key = this.parsed() as string;
      this.under = null;
    }
    this.before += piece.length;
  }

  /** Throws unless the file ended where JSON may. */
  end(): void {
    if (this.expected !== "nothing" || this.under !== null)
      this.fail(this.before, "must end with its last bracket", "the end of the file; is it cut?");
  }

  /** A byte outside of keys, elements and what is passed over; it may begin one. */
  private between(byte: number, at: number): void {
    if (
      isSpace(byte) ||
      (byte === 0xef && at === 0) ||
      (byte === 0xbb && at === 1) ||
      (byte === 0xbf && at === 2)
    )
      return; // spaces, and the mark of UTF-8
    const begin = (under: "key" | "element" | "skipped", expected: Expected): void => {
      this.under = under;
      this.start = at;
      this.expected = expected;
    };
    switch (this.expected) {
      case "start":
        if (byte !== OPEN_OBJECT) this.fail(at, "must be an object, which begins with {", byte);
        this.expected = "key";
        return;
      case "key":
        if (byte === CLOSE_OBJECT && this.key === "") this.expected = "nothing";
        else if (byte === QUOTE) begin("key", "colon");
        else this.fail(at, 'must have a key, which begins with "', byte);
        return;
      case "colon":
        if (byte !== COLON) this.fail(at, "must have : after a key", byte);
        this.expected = "value";
        return;
      case "value":
        if (!this.keys.includes(this.key)) begin("skipped", "comma");
        else if (byte !== OPEN_LIST) this.fail(at, `must have a list as ${shown(this.key)}`, byte);
        else {
          this.expected = "element";
          this.index = 0;
        }
        return;
      case "element":
        if (byte === CLOSE_LIST && this.index === 0) this.expected = "comma";
        else if (byte === OPEN_OBJECT) begin("element", "elementComma");
        else this.fail(at, `must have an object as ${this.key}[${this.index}]`, byte);
        return;
      case "elementComma":
        if (byte === CLOSE_LIST) this.expected = "comma";
        else if (byte === COMMA) this.expected = "element";
        else this.fail(at, `must have , or ] after ${this.key}[${this.index - 1}]`, byte);
        return;
      case "comma":
        if (byte === CLOSE_OBJECT) this.expected = "nothing";
        else if (byte === COMMA) this.expected = "key";
        else this.fail(at, `must have , or } after ${shown(this.key)}`, byte);
        return;
      case "nothing":
        this.fail(at, "must end with its last bracket", byte);
    }
  }

  /** Where the value under way ends in a piece, or the piece's length. A number or word ends before a comma or bracket. */
  private endIn(piece: Uint8Array, start: number): number {
    for (let i = start; i < piece.length; i++) {
      const byte = piece[i]!;
      if (this.isEscaped) this.isEscaped = false;
      else if (this.isText) {
        if (byte === BACKSLASH) this.isEscaped = true;
        else if (byte === QUOTE) {
          this.isText = false;
          if (this.depth === 0) return i + 1;
        }
      } else if (byte === QUOTE) this.isText = true;
      else if (isOpening(byte)) this.depth++;
      else if (isClosing(byte)) {
        if (this.depth === 0) return i;
        if (--this.depth === 0) return i + 1;
      } else if (byte === COMMA && this.depth === 0) return i;
    }
    return piece.length;
  }

  private keep(bytes: Uint8Array): void {
    this.kept.push(new Uint8Array(bytes)); // a copy; Node's own slice is none
    this.held += bytes.length;
    const most = this.under === "key" ? MOST_KEY : MOST_ELEMENT;
    if (this.held > most) this.fail(this.start, `must have values of at most ${most} bytes`, "a longer one");
  }

  private element(): JsonElement {
    const { key, index, start } = this;
    const value = this.parsed() as Record<string, unknown>;
    this.index++;
    return { key, index, at: start, value };
  }

  /** The bytes that were kept, as the value they stand for. */
  private parsed(): unknown {
    const text = textOf(join(this.kept));
    this.kept = [];
    this.held = 0;
    try {
      return JSON.parse(text);
    } catch {
      const what = this.under === "key" ? "a key" : `${this.key}[${this.index}]`;
      return this.fail(this.start, `must have JSON as ${what}`, shown(text));
    }
  }

  private fail(at: number, must: string, got: number | string): never {
    const what = typeof got === "number" ? shown(String.fromCharCode(got)) : got;
    throw new Error(`${this.name}: byte ${at} ${must}; got ${what}`);
  }
}

/** The objects of the arrays called `keys` of a file in pieces. */
export async function* jsonElements(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  keys: readonly string[],
): AsyncGenerator<JsonElement> {
  const arrays = new JsonArrays(name, keys);
  for await (const piece of pieces) yield* arrays.push(piece);
  arrays.end();
}
