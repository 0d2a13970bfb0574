/**
 * Files of torch.save, in both of PyTorch's containers: a zip archive with one file for each storage, or, from before
 * version 1.6, pickles in a row and the storages behind them.
 */
import { cut } from "./headerJson.ts";
import { readPickle } from "./pickle.ts";
import { type StoredTensor, tensorOf } from "./safetensors.ts";
import type { ByteSource } from "./safetensorsFile.ts";
import { ARRAYS, type HeaderEntry } from "./safetensorsHeader.ts";
import { textOf } from "./text.ts";
import { namedTensors, type TorchStorage, type TorchTensor, torchRules } from "./torchValues.ts";
import { checkedContents, readEntry, readZip, ZIP_START } from "./zip.ts";

/** Tensors of a file by name, read for the asking. */
export interface TensorFile {
  readonly entries: ReadonlyMap<string, Pick<HeaderEntry, "dtype" | "shape">>;
  /**
   * One tensor; its storage's part alone is held. Throws if the file has none of this name, or if its storage is not as it was
   * written, as far as the container tells: a zip archive has checksums.
   */
  tensor(name: string): Promise<StoredTensor>;
}

/** Bytes of pickles that are read: names and shapes, of which a large model has a megabyte. */
const MOST_PICKLED = 2 ** 25;
/** What begins the older container: the pickle of protocol 2 of this number. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;
/** Its first and third byte: the protocol, and the opcode of a long integer. */
const [PROTOCOL, LONG] = [0x80, 0x8a];
const COUNT_BYTES = 8;

/** Whether a file begins as one of torch.save does. `first` holds its first four bytes. */
export const isTorchFile = (first: Uint8Array): boolean =>
  isZip(first) || (first[0] === PROTOCOL && first[2] === LONG);

const isZip = (first: Uint8Array): boolean =>
  first.length >= 4 && new DataView(first.buffer, first.byteOffset).getUint32(0, true) === ZIP_START;

/** Reads what a file names; throws one sentence, with the byte, where it is damaged or holds more than tensors and modules. */
export async function openTorchFile(source: ByteSource): Promise<TensorFile> {
  const first = await source.read(0, Math.min(4, source.size));
  const { value, placeOf } = await (isZip(first) ? openZip(source) : openLegacy(source));
  const tensors = namedTensors(value);
  const entries = new Map(
    [...tensors].map(([name, { storage, shape }]) => [name, { dtype: storage.dtype, shape }]),
  );
  return {
    entries,
    async tensor(name) {
      const found = tensors.get(name);
      if (!found)
        throw new Error(`openTorchFile: the file must hold ${name}; got ${cut(`${[...tensors.keys()]}`)}`);
      return readTensor(source, found, await placeOf(found.storage));
    },
  };
}

/** A pickled value, and the byte where a storage begins. */
interface Opened {
  value: unknown;
  placeOf(storage: TorchStorage): Promise<number>;
}

const widthOf = ({ dtype }: Pick<TorchStorage, "dtype">): number => ARRAYS[dtype].BYTES_PER_ELEMENT;

async function openZip(source: ByteSource): Promise<Opened> {
  const files = await readZip(source);
  const path = [...files.keys()].find((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
  if (path === undefined) {
    throw new Error(`openTorchFile: the archive must hold data.pkl; got ${cut(`${[...files.keys()]}`)}`);
  }
  const root = path.slice(0, -"data.pkl".length);
  const order = files.get(`${root}byteorder`);
  if (order && textOf((await readEntry(source, order, COUNT_BYTES)).bytes) !== "little") {
    throw new Error(
      "openTorchFile: the numbers must be little-endian; got big-endian ones. Save it again on another machine",
    );
  }
  const { bytes, start } = await readEntry(source, files.get(path)!, MOST_PICKLED);
  const { value } = readPickle(
    bytes,
    torchRules(() => {}),
    0,
    start,
  );
  const places = new Map<string, number>(); // of the storages that were checked: tensors may share one
  return {
    value,
    async placeOf({ key, dtype, size }) {
      const entry = files.get(`${root}data/${key}`);
      const bytes = size * widthOf({ dtype });
      if (entry?.size !== bytes) {
        throw new Error(
          `openTorchFile: ${root}data/${key} must have ${bytes} bytes, ${size} of ${dtype}; got ${entry?.size ?? "no such file"}`,
        );
      }
      const place = places.get(key) ?? (await checkedContents(source, entry));
      places.set(key, place);
      return place;
    },
  };
}

async function openLegacy(source: ByteSource): Promise<Opened> {
  const bytes = await source.read(0, Math.min(source.size, MOST_PICKLED));
  const storages = new Map<string, TorchStorage>();
  const rules = torchRules((storage) => {
    const known = storages.get(storage.key) ?? storage;
    if (known.size !== storage.size || known.dtype !== storage.dtype) {
      throw new Error(`storage ${cut(storage.key)} must be of one size and type; got two`);
    }
    storages.set(storage.key, storage);
  });
  let at = 0;
  const next = (): unknown => {
    const { value, end } = readPickle(bytes, rules, at);
    at = end;
    return value;
  };
  const [magic, version] = [next(), next()];
  if (magic !== MAGIC || version !== LEGACY_VERSION) {
    throw new Error(
      "openTorchFile: a pickle must be one of torch.save; got another. Save the weights by torch.save",
    );
  }
  const system = next();
  if (!(system instanceof Map) || system.get("little_endian") !== true) {
    throw new Error("openTorchFile: the numbers must be little-endian; the file does not say that they are");
  }
  const [value, keys] = [next(), next()];
  const places = await placesOf(source, storages, keys, at);
  return { value, placeOf: async ({ key }) => places.get(key)! };
}

/** Where each storage begins: they lie in the order of `keys`, each behind the number of its values. */
async function placesOf(
  source: ByteSource,
  storages: ReadonlyMap<string, TorchStorage>,
  keys: unknown,
  start: number,
): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  let at = start;
  for (const key of Array.isArray(keys) ? (keys as unknown[]) : []) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    const bytes = storage ? storage.size * widthOf(storage) : 0;
    if (!storage || at + COUNT_BYTES + bytes > source.size) {
      throw new Error(
        `openTorchFile: byte ${at} must begin storage ${storage?.key ?? "of a known name"} of ${bytes} bytes; got the end at ${source.size}`,
      );
    }
    const count = await source.read(at, COUNT_BYTES);
    const size = Number(new DataView(count.buffer, count.byteOffset).getBigUint64(0, true));
    if (size !== storage.size) {
      throw new Error(
        `openTorchFile: byte ${at} must say ${storage.size} values of storage ${storage.key}; got ${size}`,
      );
    }
    places.set(storage.key, at + COUNT_BYTES);
    at += COUNT_BYTES + bytes;
  }
  const missing = [...storages.keys()].find((key) => !places.has(key));
  if (missing !== undefined) {
    throw new Error(
      `openTorchFile: byte ${start} must begin a list with storage ${cut(missing)}; it does not`,
    );
  }
  return places;
}

/** A tensor's values, row-major, whatever its strides. */
async function readTensor(source: ByteSource, tensor: TorchTensor, place: number): Promise<StoredTensor> {
  const { storage, offset, shape, strides } = tensor;
  const { dtype } = storage;
  const width = widthOf(storage);
  const span = tensor.size === 0 ? 0 : tensor.span;
  const bytes = await source.read(place + offset * width, span * width);
  const flat = tensorOf({ dtype, shape: [span], begin: 0, end: bytes.length }, bytes);
  if (isRowMajor(shape, strides)) return { ...flat, shape };
  const data = new ARRAYS[dtype](tensor.size);
  for (let i = 0; i < data.length; i++) {
    let [rest, from] = [i, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    data[i] = flat.data[from]!;
  }
  return { dtype, shape, data };
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let next = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== next) return false;
    next *= shape[axis]!;
  }
  return true;
}
