/** Writes MATLAB's files, level 5, for tests of their reader. */
import { deflateSync } from "node:zlib";

/** What a variable may be; a list of rows is a matrix of uint8. */
export type Mat =
  | string
  | number[][]
  | Float64Array
  | { cell: Mat[] }
  | { struct: Record<string, Mat>[]; fields?: string[] };

export interface MatOptions {
  isBig?: boolean;
  isCompressed?: boolean;
}

const [INT8, UINT8, UINT16, INT32, UINT32, DOUBLE, MATRIX, COMPRESSED] = [1, 2, 4, 5, 6, 9, 14, 15];
const [CELL, STRUCT, CHAR, DOUBLES, UINT8S] = [1, 2, 4, 6, 9];

/** A file of variables by name. */
export function matOf(
  variables: Record<string, Mat>,
  { isBig = false, isCompressed = false }: MatOptions = {},
): Uint8Array {
  const numbers = (width: 2 | 4 | 8, values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(width * values.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const [i, value] of values.entries()) {
      if (width === 2) view.setUint16(2 * i, value, !isBig);
      else if (width === 4) view.setInt32(4 * i, value, !isBig);
      else view.setFloat64(8 * i, value, !isBig);
    }
    return bytes;
  };
  /** Up to four bytes lie in the tag itself. */
  const element = (type: number, data: Uint8Array): Buffer => {
    if (data.length <= 4 && data.length > 0 && type !== MATRIX) {
      const tag = numbers(4, [data.length * 65536 + type]);
      return Buffer.concat([tag, data, Buffer.alloc(4 - data.length)]);
    }
    const padding = type === COMPRESSED ? 0 : (8 - (data.length % 8)) % 8;
    return Buffer.concat([numbers(4, [type, data.length]), data, Buffer.alloc(padding)]);
  };
  const matrix = (arrayClass: number, shape: number[], name: string, ...content: Buffer[]): Buffer =>
    element(
      MATRIX,
      Buffer.concat([
        element(UINT32, numbers(4, [arrayClass, 0])),
        element(INT32, numbers(4, shape)),
        element(INT8, Buffer.from(name)),
        ...content,
      ]),
    );
  const array = (value: Mat, name = ""): Buffer => {
    if (typeof value === "string") {
      const letters = numbers(
        2,
        [...value].map((letter) => letter.charCodeAt(0)),
      );
      return matrix(CHAR, [1, value.length], name, element(UINT16, letters));
    }
    if (value instanceof Float64Array) {
      return matrix(DOUBLES, [1, value.length], name, element(DOUBLE, numbers(8, [...value])));
    }
    if (Array.isArray(value)) {
      const [height, width] = [value.length, value[0]?.length ?? 0];
      const columns = Array.from({ length: width }, (_, x) => value.map((row) => row[x]!)).flat();
      return matrix(UINT8S, [height, width], name, element(UINT8, Uint8Array.from(columns)));
    }
    if ("cell" in value) {
      return matrix(CELL, [1, value.cell.length], name, ...value.cell.map((item) => array(item)));
    }
    const fields = value.fields ?? Object.keys(value.struct[0] ?? {});
    const names = Buffer.from(fields.map((field) => field.padEnd(32, "\0")).join(""));
    const items = value.struct.flatMap((item) => fields.map((field) => array(item[field]!)));
    const lengths = element(INT32, numbers(4, [32]));
    return matrix(STRUCT, [1, value.struct.length], name, lengths, element(INT8, names), ...items);
  };
  const header = Buffer.alloc(128, " ");
  header.write("MATLAB 5.0 MAT-file, written by a test");
  header.set(isBig ? [1, 0, 0x4d, 0x49] : [0, 1, 0x49, 0x4d], 124);
  const all = Object.entries(variables).map(([name, value]) => array(value, name));
  return Buffer.concat([
    header,
    ...all.map((one) => (isCompressed ? element(COMPRESSED, deflateSync(one)) : one)),
  ]);
}
