import type { FolderEntry } from "../folder.ts";
import { cut } from "../headerJson.ts";
import { textOf } from "../text.ts";

/** One line of a table of text: its columns, and errors that name it. */
export class Row {
  private readonly file: string;
  private readonly line: number;
  private readonly text: string;
  private readonly columns: string[];

  /** `most` columns at most: the last one has the rest, spaces included. */
  constructor(file: string, line: number, text: string, most: number) {
    this.file = file;
    this.line = line;
    this.text = text;
    this.columns = text.trim().split(/\s+/);
    if (this.columns.length > most) {
      const rest = new RegExp(`^\\s*(?:\\S+\\s+){${most - 1}}(.*?)\\s*$`).exec(text)![1]!;
      this.columns = [...this.columns.slice(0, most - 1), rest];
    }
  }

  /** The column's text. */
  word(column: number, what: string): string {
    return this.columns[column] ?? this.fail(`${what} in column ${column + 1}`);
  }

  /** The column as a finite number. */
  number(column: number, what: string): number {
    const value = Number(this.word(column, what));
    return Number.isFinite(value) ? value : this.fail(`a number, ${what}, in column ${column + 1}`);
  }

  /** The column as an integer of at least `least` and at most `most`. */
  integer(column: number, what: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.number(column, what);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const bound = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `${least} to ${most}`;
    return this.fail(`${what}, an integer ${bound}, in column ${column + 1}`);
  }

  /** One of the keys of `known` as an integer: an id of another file. */
  key<V>(column: number, what: string, known: ReadonlyMap<number, V>): V {
    const id = this.integer(column, what);
    return known.get(id) ?? this.fail(`${what} that exists in column ${column + 1}`);
  }

  fail(expected: string): never {
    throw new Error(`${this.file}: line ${this.line} must have ${expected}; got "${cut(this.text)}"`);
  }
}

/** The rows of a table of text that hold something, with their numbers from 1. `columns` is how many there are at most. */
export async function tableRows(file: FolderEntry, columns: number): Promise<Row[]> {
  return textOf(await file.read())
    .split(/\r?\n/)
    .flatMap((text, i) => (text.trim() === "" ? [] : [new Row(file.path, i + 1, text, columns)]));
}
