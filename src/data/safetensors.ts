/**
 * Whole safetensors files in memory, and what their tensors hold. `safetensorsFile.ts` works on files piece by piece,
 * `safetensorsHeader.ts` has the container's layout.
 */
import {
  ARRAYS,
  type HeaderEntry,
  headerLength,
  LENGTH_BYTES,
  layOutHeader,
  parseHeader,
  type StoredDtype,
  sizeOfEntry,
} from "./safetensorsHeader.ts";

export type { StoredDtype } from "./safetensorsHeader.ts";

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

/**
 * Bytes of a safetensors file, laid out by `layOutHeader`. Throws if a tensor's data does not fit its dtype or shape.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { front, order, bytes } = layOutHeader(tensors, metadata);
  const file = new Uint8Array(bytes);
  file.set(front);
  let at = front.length;
  for (const name of order) {
    const data = bytesOf(name, tensors.get(name)!);
    file.set(data, at);
    at += data.length;
  }
  return file;
}

/** The data of a tensor as it is stored. Throws if it does not fit the tensor's dtype and shape. */
export function bytesOf(name: string, { dtype, shape, data }: StoredTensor): Uint8Array {
  if (!(data instanceof ARRAYS[dtype])) {
    throw new Error(
      `writeSafetensors: ${name} of dtype ${dtype} must match its data; got ${data.constructor.name}`,
    );
  }
  if (sizeOfEntry({ shape }) !== data.length) {
    throw new Error(
      `writeSafetensors: ${name} of shape [${shape}] must match its data; got ${data.length} values`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Tensors and metadata of a safetensors file. Data is a view into `bytes` where it is aligned and a copy where not.
 * Throws if the header is damaged or the tensors do not fill the data exactly, without gaps or overlaps.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const length = headerLength(bytes.subarray(0, LENGTH_BYTES), bytes.length);
  const header = bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
  const { entries, metadata, start } = parseHeader(header, bytes.length);
  const tensors = [...entries].map(([name, entry]): [string, StoredTensor] => [
    name,
    tensorOf(entry, bytes.subarray(start + entry.begin, start + entry.end)),
  ]);
  return { tensors: new Map(tensors), metadata };
}

/** A tensor from its bytes: a view where they are aligned, a copy where not. */
export function tensorOf({ dtype, shape }: HeaderEntry, bytes: Uint8Array): StoredTensor {
  const array = ARRAYS[dtype];
  const length = sizeOfEntry({ shape });
  const isAligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0;
  // A copy by its contents: `slice` of a Node Buffer shares memory, and its `buffer` is a pool of strangers' bytes.
  const { buffer, byteOffset } = isAligned ? bytes : Uint8Array.from(bytes);
  return { dtype, shape, data: new array(buffer as ArrayBuffer, byteOffset, length) };
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

const wide = new Float32Array(1);
const wideBits = new Uint32Array(wide.buffer);

/** The bits of the IEEE binary16 nearest to a number, of two as near the even one; infinite from 65520 on. */
export function toHalf(value: number): number {
  wide[0] = value;
  const bits = wideBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112; // of binary16, as if it had room
  const fraction = bits & 0x7fffff;
  if (exponent > 30) return sign | (exponent === 143 && fraction ? 0x7e00 : 0x7c00);
  if (exponent < -10) return sign;
  const lost = exponent > 0 ? 13 : 14 - exponent; // bits of the fraction that binary16 has no room for
  const whole = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const half = whole >>> lost;
  const rest = whole & (2 ** lost - 1);
  const middle = 2 ** (lost - 1);
  return sign | (half + (rest > middle || (rest === middle && half & 1) ? 1 : 0)); // may carry into the exponent
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
