/**
 * The header of the safetensors container: u64 little-endian header length, a JSON header
 * {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__"?: {string: string}}, then the data, little-endian
 * and row-major, offsets counted from the end of the header. Typed arrays are taken to be little-endian, as on every
 * platform with WebGPU.
 */
import { cut, parseObject, shown } from "./headerJson.ts";

type Bits16 = typeof Uint16Array;

/** Element types and the typed array that holds them. F16 and BF16 are held as their 16 bits, BOOL as bytes 0 and 1. */
export const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array as Bits16,
  BF16: Uint16Array as Bits16,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array as Bits16,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Element type of a stored tensor, in the container's own words. */
export type StoredDtype = keyof typeof ARRAYS;

/** A tensor as the header has it; begin and end are bytes from the end of the header. */
export interface HeaderEntry {
  dtype: StoredDtype;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** What a header says. `start` is the length of the file up to the data. */
export interface Header {
  entries: Map<string, HeaderEntry>;
  metadata: Record<string, string>;
  start: number;
}

const METADATA = "__metadata__";
export const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000; // the limit of the reference reader
const SPACE = 0x20;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

const isDtype = (value: unknown): value is StoredDtype =>
  typeof value === "string" && Object.hasOwn(ARRAYS, value);

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Values of a tensor. */
export const sizeOfEntry = ({ shape }: Pick<HeaderEntry, "shape">): number => product(shape);

/**
 * The front of a file and where each tensor's data begins: data lies by falling element width, so that every tensor is
 * aligned, and the header keeps the map's order and is padded with spaces to a multiple of 8. Throws on a name or dtype that
 * the container cannot hold.
 */
export function layOutHeader(
  tensors: ReadonlyMap<string, Pick<HeaderEntry, "dtype" | "shape">>,
  metadata: Readonly<Record<string, string>> = {},
): { front: Uint8Array<ArrayBuffer>; order: string[]; bytes: number } {
  for (const [name, { dtype, shape }] of tensors) {
    if (name === METADATA) throw new Error(`writeSafetensors: a tensor must not be named ${METADATA}`);
    if (!isDtype(dtype) || !isShape(shape)) {
      throw new Error(
        `writeSafetensors: ${name} must have a known dtype and a shape; got ${dtype} [${shape}]`,
      );
    }
  }
  const width = (name: string) => ARRAYS[tensors.get(name)!.dtype].BYTES_PER_ELEMENT;
  const order = [...tensors.keys()].sort((a, b) => width(b) - width(a));
  const ranges = new Map<string, readonly [number, number]>();
  let end = 0;
  for (const name of order) {
    const begin = end;
    end += product(tensors.get(name)!.shape) * width(name);
    ranges.set(name, [begin, end]);
  }
  const entries = [...tensors].map(([name, { dtype, shape }]): [string, unknown] => [
    name,
    { dtype, shape, data_offsets: ranges.get(name) },
  ]);
  if (Object.keys(metadata).length > 0) entries.unshift([METADATA, metadata]);
  const text = asciiJson(entries);
  const start = Math.ceil((LENGTH_BYTES + text.length) / 8) * 8;
  const front = new Uint8Array(start).fill(SPACE, LENGTH_BYTES);
  new DataView(front.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  for (let i = 0; i < text.length; i++) front[LENGTH_BYTES + i] = text.charCodeAt(i);
  return { front, order, bytes: start + end };
}

/** JSON object of the entries in their order, everything beyond ASCII escaped, so that characters are bytes. */
function asciiJson(entries: [string, unknown][]): string {
  const text = `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`;
  return text.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Length of a file's header by its first eight bytes. Throws where the file cannot have one. */
export function headerLength(first: Uint8Array, fileBytes: number): number {
  if (first.length < LENGTH_BYTES) {
    throw new Error(`readSafetensors: a file must have 8 bytes of header length; got ${fileBytes} bytes`);
  }
  const length = Number(new DataView(first.buffer, first.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || LENGTH_BYTES + length > fileBytes) {
    throw new Error(
      `readSafetensors: the header must fit the file of ${fileBytes} bytes; got a length of ${length}. Is it a safetensors file?`,
    );
  }
  return length;
}

/**
 * What a header's bytes say. Throws if it is damaged or the tensors do not fill the file of `fileBytes` exactly, without gaps
 * or overlaps.
 */
export function parseHeader(bytes: Uint8Array, fileBytes: number): Header {
  const start = LENGTH_BYTES + bytes.length;
  const dataBytes = fileBytes - start;
  const { [METADATA]: metadata = {}, ...found } = parseObject(bytes);
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw new Error(`readSafetensors: ${METADATA} must map strings to strings; got ${shown(metadata)}`);
  }
  const entries = new Map(
    Object.entries(found).map(([name, entry]) => [name, checkEntry(name, entry, dataBytes)]),
  );
  checkFilled(entries, dataBytes);
  return { entries, metadata: metadata as Record<string, string>, start };
}

/** Throws unless the tensors lie end to end over all of the data. */
function checkFilled(entries: ReadonlyMap<string, HeaderEntry>, dataBytes: number): void {
  let filled = 0;
  const ranges = [...entries].map(([name, { begin, end }]) => ({ name, begin, end }));
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled) {
      const fault = begin < filled ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new Error(
        `readSafetensors: tensors must lie end to end; got ${cut(name)} at byte ${begin}, which ${fault}`,
      );
    }
    filled = end;
  }
  if (filled !== dataBytes) {
    throw new Error(`readSafetensors: data must end with the file; got ${dataBytes - filled} bytes more`);
  }
}

function checkEntry(name: string, entry: unknown, dataBytes: number): HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  const tensor = cut(name);
  if (!isDtype(dtype)) {
    const known = Object.keys(ARRAYS).join(" ");
    throw new Error(`readSafetensors: ${tensor} must have a dtype among ${known}; got ${shown(dtype)}`);
  }
  if (!isShape(shape)) {
    throw new Error(`readSafetensors: ${tensor} must have a shape of whole numbers; got ${shown(shape)}`);
  }
  const [begin, end] = isShape(offsets) && offsets.length === 2 ? offsets : [];
  if (begin === undefined || end === undefined || begin > end || end > dataBytes) {
    throw new Error(
      `readSafetensors: ${tensor} must have data_offsets within ${dataBytes} bytes; got ${shown(offsets)}`,
    );
  }
  const size = product(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (end - begin !== size) {
    throw new Error(
      `readSafetensors: ${tensor} of dtype ${dtype} and shape ${shown(shape)} must take ${size} bytes; got ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
}
