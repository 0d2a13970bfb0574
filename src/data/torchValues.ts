/**
 * What PyTorch's pickles may hold: tensors, modules as records, and dicts of them. All else is refused by its name; nothing
 * is ever called.
 */
import { PickledName, PickledObject, type PickleRules } from "./pickle.ts";
import type { StoredDtype } from "./safetensorsHeader.ts";

/** Storages by class, in the words of safetensors. */
const STORAGES: Readonly<Record<string, StoredDtype>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

/** Classes whose objects become records of their attributes: modules, and what stands beside them. */
const RECORDS = [
  /^torch\.nn\.modules\.[\w.]+$/,
  /^dall_e\.\w+\.\w+$/,
  /^torch\.device$/,
  /^argparse\.Namespace$/,
];

/** Values in a row that tensors share, in a part of the file of its own. */
export interface TorchStorage {
  key: string;
  dtype: StoredDtype;
  /** Values. */
  size: number;
}

/** A tensor as it lies in its storage, places and distances counted in values. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }

  get size(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  /** Values from the first to the last one of its own, both included. */
  get span(): number {
    return this.shape.reduce((last, n, i) => last + (n - 1) * this.strides[i]!, 0) + 1;
  }
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areWhole = (values: unknown): values is number[] => Array.isArray(values) && values.every(isWhole);

const isStorage = (value: unknown): value is TorchStorage =>
  typeof value === "object" && value !== null && "key" in value && "dtype" in value && "size" in value;

/** Reads PyTorch's values; `found` hears of every storage. */
export const torchRules = (found: (storage: TorchStorage) => void): PickleRules => ({
  call(name, args) {
    switch (name) {
      case "torch._utils._rebuild_tensor_v2":
        return tensorOf(args);
      case "torch._utils._rebuild_parameter":
        return args[0];
      case "torch.Size":
      case "builtins.set":
      case "__builtin__.set":
        return args[0] ?? [];
      case "collections.OrderedDict":
        return dictOf(args[0] ?? []);
    }
    if (RECORDS.some((pattern) => pattern.test(name))) return new PickledObject(name);
    throw new Error(`a file of weights must hold tensors and modules alone; got ${name}, which is not read`);
  },
  persistent(id) {
    const [kind, type, key, , size, view] = Array.isArray(id) ? (id as unknown[]) : [];
    if (kind === "module" && type instanceof PickledName) return type; // with its source, which nobody needs
    const dtype = type instanceof PickledName ? STORAGES[type.name] : undefined;
    if (kind !== "storage" || dtype === undefined || typeof key !== "string" || !isWhole(size)) {
      const given = type instanceof PickledName ? type.name : "something else";
      throw new Error(`what lies outside of the pickle must be a storage of numbers; got ${given}`);
    }
    if (view !== undefined && view !== null) {
      throw new Error(`a storage must be whole; got ${key}, a view of another one`);
    }
    const storage = { key, dtype, size };
    found(storage);
    return storage;
  },
});

function tensorOf([storage, offset, shape, strides]: readonly unknown[]): TorchTensor {
  if (!isStorage(storage) || !isWhole(offset) || !areWhole(shape) || !areWhole(strides)) {
    throw new Error("a tensor must have a storage, a place in it, a shape and strides; it has others");
  }
  const tensor = new TorchTensor(storage, offset, shape, strides);
  const isInside = tensor.size === 0 || offset + tensor.span <= storage.size;
  if (strides.length !== shape.length || !isInside || tensor.size > storage.size) {
    throw new Error(
      `a tensor must lie within its storage of ${storage.size} values; got [${shape}] from ${offset} on, strides [${strides}]`,
    );
  }
  return tensor;
}

function dictOf(pairs: unknown): Map<unknown, unknown> {
  if (Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    return new Map(pairs as [unknown, unknown][]);
  }
  throw new Error("an OrderedDict must be made of pairs; got something else");
}

/** Dicts and modules inside of each other, values in all of them, letters of a name: more than any model has. */
const MOST_DEPTH = 64;
const MOST_VALUES = 1_000_000;
const MOST_LETTERS = 1000;

/** Every tensor of a value by its name: keys of dicts, and names of modules and their parameters, joined by dots. */
export function namedTensors(value: unknown): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  let visited = 0;
  const visit = (inside: unknown, name: string, depth: number): void => {
    if (depth > MOST_DEPTH || name.length > MOST_LETTERS || ++visited > MOST_VALUES) {
      throw new Error(
        `namedTensors: a file of weights must nest at most ${MOST_DEPTH} deep, hold at most ${MOST_VALUES} values and have ` +
          `names of at most ${MOST_LETTERS} letters; it has more`,
      );
    }
    if (inside instanceof TorchTensor) tensors.set(name, inside);
    for (const members of inside instanceof PickledObject ? partsOf(inside) : [inside]) {
      if (!(members instanceof Map)) continue;
      for (const [key, each] of members) {
        if (typeof key === "string") visit(each, name === "" ? key : `${name}.${key}`, depth + 1);
      }
    }
  };
  visit(value, "", 0);
  return tensors;
}

/** What a module holds, by name. */
const partsOf = ({ attributes }: PickledObject): unknown[] =>
  ["_parameters", "_buffers", "_modules"].map((kind) => attributes.get(kind));
