/**
 * MATLAB's .mat files, level 5, as far as data sets use them: numbers, text, cells and structs, compressed or not, of either
 * byte order. Source: MathWorks, "MAT-File Format", chapter 1.
 */
import { shown } from "../headerJson.ts";
import { inflateAll } from "../inflate.ts";

/** A variable. Items and numbers come column by column, as MATLAB has them; `shape` is [rows, columns, ...]. */
export type MatValue =
  | { kind: "numbers"; shape: number[]; data: MatNumbers }
  | { kind: "text"; shape: number[]; text: string }
  | { kind: "cell"; shape: number[]; items: MatValue[] }
  | { kind: "struct"; shape: number[]; items: Record<string, MatValue>[] };

export type MatNumbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** How the numbers of a data element are stored, by its type. */
const NUMBERS: Record<number, new (buffer: ArrayBuffer) => MatNumbers> = {
  1: Int8Array,
  2: Uint8Array,
  3: Int16Array,
  4: Uint16Array,
  5: Int32Array,
  6: Uint32Array,
  7: Float32Array,
  9: Float64Array,
  12: BigInt64Array,
  13: BigUint64Array,
  16: Uint8Array, // UTF-8
  17: Uint16Array, // UTF-16
  18: Uint32Array, // UTF-32
};
/** Types of elements that hold others. */
const [MATRIX, COMPRESSED] = [14, 15];
/** Classes of arrays. */
const [CELL, STRUCT, OBJECT, CHAR, SPARSE] = [1, 2, 3, 4, 5];

const HEADER = 128;
/** Cells and structs may lie in one another this deep. */
const MOST_DEPTH = 32;
/** Bytes that a compressed variable may have: an annotation has a few million. */
const MOST_BYTES = 2 ** 29;

/** The variables of a file by name; `name` is the file's, for errors. */
export function readMat(name: string, bytes: Uint8Array): Map<string, MatValue> {
  const order = String.fromCharCode(...bytes.subarray(126, HEADER));
  if (bytes.length < HEADER || (order !== "IM" && order !== "MI")) {
    throw new Error(
      `${name}: must be a MATLAB file of level 5; got ${bytes.length} bytes without its header. ` +
        "Save it again with -v6 or -v7",
    );
  }
  const variables = new Map<string, MatValue>();
  const whole = new MatReader(name, bytes, order === "IM");
  for (whole.at = HEADER; whole.at < bytes.length; ) {
    const { type, from, to } = whole.element(bytes.length);
    const reader = type === COMPRESSED ? whole.unpacked(from, to) : whole;
    if (type !== COMPRESSED) reader.at = from - 8;
    const variable = reader.array(reader.bytes.length, 0);
    variables.set(variable.name, variable.value);
    whole.at = to;
  }
  return variables;
}

/** A place in a file, or in what a part of it holds compressed. */
class MatReader {
  readonly bytes: Uint8Array;
  at = 0;
  private readonly name: string;
  private readonly isLittle: boolean;
  private readonly view: DataView;

  constructor(name: string, bytes: Uint8Array, isLittle: boolean) {
    this.name = name;
    this.bytes = bytes;
    this.isLittle = isLittle;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  fail(must: string, got: string, at = this.at): never {
    throw new Error(`${this.name}: byte ${at} ${must}; got ${got}. Fetch the file again, or leave it out`);
  }

  private u32(at: number): number {
    if (at + 4 > this.bytes.length) this.fail("must begin a number", "the end of the data", at);
    return this.view.getUint32(at, this.isLittle);
  }

  /** The tag of the next element, which lies before `end`; moves behind it. Small ones have their data in the tag. */
  element(end: number): { type: number; from: number; to: number } {
    const start = this.at;
    const first = this.u32(start);
    const isSmall = first > 0xffff;
    const type = isSmall ? first & 0xffff : first;
    const size = isSmall ? first >>> 16 : this.u32(start + 4);
    const from = start + (isSmall ? 4 : 8);
    const to = from + size;
    if (to > end || (isSmall && size > 4)) {
      this.fail("must begin an element that ends in its parent", `${size} bytes of ${end - from}`, start);
    }
    this.at = isSmall
      ? start + 8
      : type === COMPRESSED
        ? to
        : Math.min(end, start + 8 + Math.ceil(size / 8) * 8);
    return { type, from, to };
  }

  /** What a compressed element holds. */
  unpacked(from: number, to: number): MatReader {
    let bytes: Uint8Array;
    try {
      bytes = inflateAll(this.bytes.subarray(from, to), MOST_BYTES);
    } catch (cause) {
      return this.fail("must begin compressed data", `"${(cause as Error).message}"`, from);
    }
    return new MatReader(`${this.name}, unpacked from byte ${from}`, bytes, this.isLittle);
  }

  /** The array that begins here. One without a byte is an empty array of numbers. */
  array(end: number, depth: number): { name: string; value: MatValue } {
    const start = this.at;
    const { type, from, to } = this.element(end);
    const behind = this.at;
    if (type !== MATRIX) this.fail("must begin an array (type 14)", `type ${type}`, start);
    if (depth > MOST_DEPTH) this.fail(`must lie at most ${MOST_DEPTH} deep`, "a deeper one", start);
    if (from === to) return { name: "", value: { kind: "numbers", shape: [0, 0], data: new Uint8Array(0) } };
    this.at = from;
    const arrayClass = Number(this.numbers(to)[0]) & 0xff;
    const shape = numbersOf(this.numbers(to));
    const name = text(this.numbers(to));
    const count = shape.reduce((product, size) => product * size, 1);
    if (shape.length < 2 || shape.some((size) => size < 0)) {
      this.fail("must have two sizes or more", shown(shape), start);
    }
    const value = this.content(arrayClass, shape, count, to, depth);
    this.at = behind;
    return { name, value };
  }

  private content(arrayClass: number, shape: number[], count: number, end: number, depth: number): MatValue {
    const start = this.at;
    const items = (many: number): MatValue[] => {
      if (many * 8 > end - this.at) this.fail(`must begin ${many} arrays`, `${end - this.at} bytes`);
      return Array.from({ length: many }, () => this.array(end, depth + 1).value);
    };
    if (arrayClass === CELL) return { kind: "cell", shape, items: items(count) };
    if (arrayClass === STRUCT) {
      const fields = this.fieldNames(end);
      const values = items(count * fields.length);
      const item = (i: number) => fields.map((field, j) => [field, values[i * fields.length + j]!] as const);
      return {
        kind: "struct",
        shape,
        items: Array.from({ length: count }, (_, i) => Object.fromEntries(item(i))),
      };
    }
    if (arrayClass === OBJECT || arrayClass === SPARSE || arrayClass > 15) {
      this.fail("must be numbers, text, a cell or a struct", `an array of class ${arrayClass}`);
    }
    const data = count === 0 && this.at >= end ? new Uint8Array(0) : this.numbers(end);
    if (arrayClass === CHAR) return { kind: "text", shape, text: text(data) };
    if (data.length !== count) this.fail(`must begin ${count} numbers`, `${data.length}`, start);
    return { kind: "numbers", shape, data };
  }

  /** Names of a struct's fields: their common length, then all of them, zeros behind each. */
  private fieldNames(end: number): string[] {
    const length = Number(this.numbers(end)[0]);
    const all = text(this.numbers(end));
    if (!(length > 0) || all.length % length !== 0) {
      this.fail("must follow names of fields", `${all.length} letters in pieces of ${length}`);
    }
    return Array.from({ length: all.length / length }, (_, i) =>
      all.slice(i * length, (i + 1) * length).replace(/\0.*$/s, ""),
    );
  }

  /** The numbers of the element that begins here. */
  private numbers(end: number): MatNumbers {
    const start = this.at;
    const { type, from, to } = this.element(end);
    const Numbers = NUMBERS[type];
    if (!Numbers) return this.fail("must begin numbers", `an element of type ${type}`, start);
    const bytes = new Uint8Array(this.bytes.subarray(from, to)); // a copy; Node's own slice is none
    const width = new Numbers(new ArrayBuffer(0)).BYTES_PER_ELEMENT;
    if (bytes.length % width !== 0)
      this.fail(`must hold numbers of ${width} bytes`, `${bytes.length} bytes`, start);
    if (!this.isLittle) for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
    return new Numbers(bytes.buffer as ArrayBuffer);
  }
}

/** As plain numbers. */
export const numbersOf = (data: MatNumbers): number[] =>
  Array.from(data as ArrayLike<number | bigint>, Number);

/** Character codes as text, which may be longer than a call may have arguments. */
const text = (codes: MatNumbers): string =>
  numbersOf(codes)
    .map((code) => String.fromCharCode(code))
    .join("");
