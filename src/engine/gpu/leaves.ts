import { Storage } from "./memory.ts";

/** A tensor, as far as memory is concerned. */
export interface Leaf {
  storage: Storage;
}

/**
 * The tensors in what a function returned: a tensor, or arrays and plain records of them to any depth; numbers, texts and
 * typed arrays may stand among them. Throws one sentence for what could hide tensors from us: promises, maps, class
 * instances, functions.
 */
export function leavesOf(where: string, result: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  const entered = new Set<object>();
  const enter = (value: unknown): void => {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
    if (entered.has(value) || ArrayBuffer.isView(value)) return;
    entered.add(value);
    if (isLeaf(value)) leaves.push(value);
    else if (Array.isArray(value) || isPlain(value)) Object.values(value).forEach(enter);
    else {
      if (value instanceof Promise) value.catch(() => undefined); // it may yet meet memory that was given back
      throw new Error(
        `${where}: the function must return tensors, or arrays and plain records of them; got ${kindOf(value)}`,
      );
    }
  };
  enter(result);
  return leaves;
}

const isLeaf = (value: object): value is Leaf => "storage" in value && value.storage instanceof Storage;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

const kindOf = (value: object): string => {
  if (typeof value === "function") return "a function";
  if (value instanceof Promise)
    return "a promise. Wait for it outside, the function itself must not be async";
  return `an instance of ${value.constructor.name}`;
};
