/**
 * The safetensors container: u64 little-endian header length, a JSON header
 * {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__"?: {string: string}}, then the data, little-endian
 * and row-major, offsets counted from the end of the header. Typed arrays are taken to be little-endian, as on every
 * platform with WebGPU.
 */

type Bits16 = typeof Uint16Array;

/** Element types and the typed array that holds them. F16 and BF16 are held as their 16 bits, BOOL as bytes 0 and 1. */
const ARRAYS = {
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

/** A tensor as stored: `data` holds product(shape) elements, row-major. */
export interface StoredTensor {
  dtype: StoredDtype;
  shape: readonly number[];
  data: InstanceType<(typeof ARRAYS)[StoredDtype]>;
}

/** What a file holds. */
export interface Safetensors {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000; // the limit of the reference reader

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

const isDtype = (value: unknown): value is StoredDtype =>
  typeof value === "string" && Object.hasOwn(ARRAYS, value);

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * Bytes of a safetensors file. Data is laid out by falling element width, so that every tensor is aligned, and the
 * header keeps the map's order and is padded with spaces to a multiple of 8.
 * Throws if a tensor's data does not fit its dtype or shape.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  for (const [name, { dtype, shape, data }] of tensors) {
    if (name === METADATA) throw new Error(`writeSafetensors: a tensor must not be named ${METADATA}`);
    if (!(isDtype(dtype) && data instanceof ARRAYS[dtype])) {
      throw new Error(
        `writeSafetensors: ${name} of dtype ${dtype} must match its data; got ${data.constructor.name}`,
      );
    }
    if (!isShape(shape) || product(shape) !== data.length) {
      throw new Error(
        `writeSafetensors: ${name} of shape [${shape}] must match its data; got ${data.length} values`,
      );
    }
  }
  const byWidth = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const begins = new Map<string, number>();
  let end = 0;
  for (const [name, { data }] of byWidth) {
    begins.set(name, end);
    end += data.byteLength;
  }

  const entries = [...tensors].map(([name, { dtype, shape, data }]): [string, unknown] => {
    const begin = begins.get(name)!;
    return [name, { dtype, shape, data_offsets: [begin, begin + data.byteLength] }];
  });
  if (Object.keys(metadata).length > 0) entries.unshift([METADATA, metadata]);
  const header = asciiJson(entries);
  const start = Math.ceil((LENGTH_BYTES + header.length) / 8) * 8;

  const bytes = new Uint8Array(start + end).fill(0x20, LENGTH_BYTES, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  for (let i = 0; i < header.length; i++) bytes[LENGTH_BYTES + i] = header.charCodeAt(i);
  for (const [name, { data }] of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + begins.get(name)!);
  }
  return bytes;
}

/** JSON object of the entries in their order, everything beyond ASCII escaped, so that characters are bytes. */
function asciiJson(entries: [string, unknown][]): string {
  const text = `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`;
  return text.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Tensors and metadata of a safetensors file. Data is a view into `bytes` where it is aligned and a copy where not.
 * Throws if the header is damaged or the tensors do not fill the data exactly, without gaps or overlaps.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, start } = readHeader(bytes);
  const { [METADATA]: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw new Error(
      `readSafetensors: ${METADATA} must map strings to strings; got ${JSON.stringify(metadata)}`,
    );
  }
  const tensors = new Map<string, StoredTensor>();
  const ranges: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, begin, end } = checkEntry(name, entry, bytes.length - start);
    tensors.set(name, {
      dtype,
      shape,
      data: viewOrCopy(bytes, start + begin, ARRAYS[dtype], product(shape)),
    });
    ranges.push({ name, begin, end });
  }

  let filled = 0;
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled) {
      const fault = begin < filled ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new Error(
        `readSafetensors: tensors must lie end to end; got ${name} at byte ${begin}, which ${fault}`,
      );
    }
    filled = end;
  }
  if (filled !== bytes.length - start) {
    throw new Error(
      `readSafetensors: data must end with the file; got ${bytes.length - start - filled} bytes more`,
    );
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw new Error(`readSafetensors: a file must have 8 bytes of header length; got ${bytes.length} bytes`);
  }
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = LENGTH_BYTES + length;
  if (length > MAX_HEADER_BYTES || start > bytes.length) {
    throw new Error(
      `readSafetensors: the header must fit the file of ${bytes.length} bytes; got a length of ${length}. Is it a safetensors file?`,
    );
  }
  const text = decodeUtf8(bytes.subarray(LENGTH_BYTES, start));
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new Error(`readSafetensors: the header must be JSON; got ${JSON.stringify(text.slice(0, 40))}`, {
      cause,
    });
  }
  if (!isObject(header)) {
    throw new Error(`readSafetensors: the header must be an object; got ${text.slice(0, 40)}`);
  }
  checkUniqueKeys(text);
  return { header, start };
}

/** UTF-8 bytes as a string. (TextDecoder belongs to the platforms, not to the language.) */
function decodeUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (const byte of bytes) {
    const isPlain = byte < 0x80 && byte !== 0x25; // 0x25 is the percent sign itself
    parts.push(isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`);
  }
  try {
    return decodeURIComponent(parts.join(""));
  } catch (cause) {
    throw new Error("readSafetensors: the header must be UTF-8; got other bytes", { cause });
  }
}

/** Throws if an object of valid JSON text names a key twice, which JSON.parse lets pass. */
function checkUniqueKeys(text: string): void {
  const seen: Set<string>[] = [];
  for (const [token, , colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") seen.push(new Set());
    else if (token === "}") seen.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, token.length - colon.length));
      const keys = seen.at(-1)!;
      if (keys.has(key)) throw new Error(`readSafetensors: every key must appear once; got ${key} twice`);
      keys.add(key);
    }
  }
}

interface Entry {
  dtype: StoredDtype;
  shape: number[];
  begin: number;
  end: number;
}

function checkEntry(name: string, entry: unknown, dataBytes: number): Entry {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (!isDtype(dtype)) {
    const known = Object.keys(ARRAYS).join(" ");
    throw new Error(
      `readSafetensors: ${name} must have a dtype among ${known}; got ${JSON.stringify(dtype)}`,
    );
  }
  if (!isShape(shape)) {
    throw new Error(
      `readSafetensors: ${name} must have a shape of whole numbers; got ${JSON.stringify(shape)}`,
    );
  }
  const [begin, end] = isShape(offsets) && offsets.length === 2 ? offsets : [];
  if (begin === undefined || end === undefined || begin > end || end > dataBytes) {
    throw new Error(
      `readSafetensors: ${name} must have data_offsets within ${dataBytes} bytes; got ${JSON.stringify(offsets)}`,
    );
  }
  const size = product(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (end - begin !== size) {
    throw new Error(
      `readSafetensors: ${name} of dtype ${dtype} and shape [${shape}] must take ${size} bytes; got ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
}

type ArrayOf = (typeof ARRAYS)[StoredDtype];

function viewOrCopy(bytes: Uint8Array, begin: number, array: ArrayOf, length: number): StoredTensor["data"] {
  const width = array.BYTES_PER_ELEMENT;
  const offset = bytes.byteOffset + begin;
  if (offset % width === 0) return new array(bytes.buffer as ArrayBuffer, offset, length);
  return new array(bytes.slice(begin, begin + length * width).buffer);
}

/** The value of IEEE binary16 bits: sign 1, exponent 5 (bias 15), fraction 10. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * A stored tensor's values as f32, row-major. F32 is returned as it is, without a copy; F16 and BF16 are exact; F64 and wide
 * integers are rounded to the nearest; BOOL gives 0 and 1.
 */
export function toFloat32({ dtype, data }: StoredTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  if (dtype === "F16") return Float32Array.from(data, fromHalf);
  if (dtype === "BF16") return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  return Float32Array.from(data);
}
