/**
 * Python's pickles as data, nothing of them called: the stack machine of pickletools.py, protocols 2 to 5, without the
 * opcodes that files of tensors have no use for. A class or a function is a name; whoever reads decides what calling it gives.
 */
import { PickleBytes } from "./pickleBytes.ts";

/** A class or function that the pickle names, for example `collections.OrderedDict`. */
export class PickledName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** An object of a class, as a record of its attributes: the values that its pickle would set. */
export class PickledObject {
  readonly className: string;
  readonly attributes = new Map<unknown, unknown>();
  constructor(className: string) {
    this.className = className;
  }
}

/** What the reader of a pickle decides. Both throw one clause where they take none such. */
export interface PickleRules {
  /** What calling a function or a class gives. */
  call(name: string, args: readonly unknown[]): unknown;
  /** What stands for something outside of the pickle. */
  persistent(id: unknown): unknown;
}

/** Python's dict is a Map; list, tuple and set are arrays; int is a number or, beyond 2^53, a bigint. */
export interface Unpickled {
  value: unknown;
  /** The byte after the pickle. */
  end: number;
}

/**
 * Reads the pickle that begins at byte `start`. Throws one sentence where it breaks the format or the rules, with the byte,
 * counted from `origin`: where in its file the first of the bytes lies.
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules, start = 0, origin = 0): Unpickled {
  const machine = new Machine(new PickleBytes(bytes, start, origin), rules);
  const { input } = machine;
  for (;;) {
    const opcode = input.opcode();
    if (opcode === STOP) return { value: machine.pop(), end: input.at };
    const action = ACTIONS[opcode];
    if (!action) {
      const code = opcode.toString(16).padStart(2, "0");
      throw input.fault(`an opcode that files of tensors use; got 0x${code}`);
    }
    action(machine);
  }
}

const MARK = Symbol("mark");

class Machine {
  readonly input: PickleBytes;
  readonly stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  readonly #rules: PickleRules;

  constructor(input: PickleBytes, rules: PickleRules) {
    this.input = input;
    this.#rules = rules;
  }

  checkProtocol(version: number): void {
    if (version < 2 || version > 5) throw this.input.fault(`a pickle of protocol 2 to 5; got ${version}`);
  }

  top(): unknown {
    const top = this.stack.at(-1);
    if (top === undefined || top === MARK) throw this.input.fault("an opcode that finds a value; got none");
    return top;
  }

  pop(): unknown {
    const top = this.top();
    this.stack.pop();
    return top;
  }

  /** The uppermost values, the lowest first. */
  popSome(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): unknown[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) throw this.input.fault("an opcode that finds a mark; got none");
    return this.stack.splice(at).slice(1);
  }

  remember(key = this.#memo.size): void {
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw this.input.fault(`the number of a value before it; got ${key}`);
    this.stack.push(this.#memo.get(key));
  }

  append(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.input.fault("an opcode that finds a list; got something else");
    for (const value of values) list.push(value);
  }

  setItems(pairs: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || pairs.length % 2 === 1) {
      throw this.input.fault("an opcode that finds a dict and pairs; got something else");
    }
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  nameOfStack(): void {
    const [module, name] = this.popSome(2);
    if (typeof module !== "string" || typeof name !== "string") {
      throw this.input.fault("an opcode that finds two names; got something else");
    }
    this.stack.push(new PickledName(`${module}.${name}`));
  }

  call(): void {
    const [callee, args] = this.popSome(2);
    if (!(callee instanceof PickledName) || !Array.isArray(args)) {
      throw this.input.fault("a call of a class by its name; got something else");
    }
    this.#ask(() => this.#rules.call(callee.name, args));
  }

  /** Sets attributes of an object; those of a dict (a state dict has its version there) are dropped. */
  build(): void {
    const [object, state] = this.popSome(2);
    if (!(state instanceof Map) || !(object instanceof PickledObject || object instanceof Map)) {
      throw this.input.fault("an opcode that finds an object and its attributes; got something else");
    }
    if (object instanceof PickledObject) for (const [key, value] of state) object.attributes.set(key, value);
    this.stack.push(object);
  }

  findOutside(): void {
    const id = this.pop();
    this.#ask(() => this.#rules.persistent(id));
  }

  /** Pushes what the rules give; what they throw is told with its place. */
  #ask(action: () => unknown): void {
    try {
      this.stack.push(action());
    } catch (cause) {
      throw new Error(`readPickle: byte ${this.input.place}: ${(cause as Error).message}`, { cause });
    }
  }
}

const STOP = 0x2e;

/** Opcodes in the order of pickletools.py: constants, containers, the memo, classes. */
const ACTIONS: Readonly<Record<number, (machine: Machine) => void>> = {
  128: (m) => m.checkProtocol(m.input.u8()), // PROTO
  149: (m) => m.input.take(8, "a length"), // FRAME: how many bytes follow, which nobody here needs
  78: (m) => m.stack.push(null), // NONE
  136: (m) => m.stack.push(true), // NEWTRUE
  137: (m) => m.stack.push(false), // NEWFALSE
  75: (m) => m.stack.push(m.input.u8()), // BININT1
  77: (m) => m.stack.push(m.input.u16()), // BININT2
  74: (m) => m.stack.push(m.input.u32() | 0), // BININT
  138: (m) => m.stack.push(m.input.long()), // LONG1
  71: (m) => m.stack.push(m.input.f64()), // BINFLOAT
  140: (m) => m.stack.push(m.input.text(m.input.u8())), // SHORT_BINUNICODE
  88: (m) => m.stack.push(m.input.text(m.input.u32())), // BINUNICODE
  85: (m) => m.stack.push(m.input.take(m.input.u8(), "a string")), // SHORT_BINSTRING
  67: (m) => m.stack.push(m.input.take(m.input.u8(), "a string")), // SHORT_BINBYTES
  66: (m) => m.stack.push(m.input.take(m.input.u32(), "a string")), // BINBYTES
  40: (m) => m.stack.push(MARK), // MARK
  48: (m) => m.stack.pop(), // POP, also of a mark
  93: (m) => m.stack.push([]), // EMPTY_LIST
  41: (m) => m.stack.push([]), // EMPTY_TUPLE
  143: (m) => m.stack.push([]), // EMPTY_SET
  125: (m) => m.stack.push(new Map()), // EMPTY_DICT
  116: (m) => m.stack.push(m.popToMark()), // TUPLE
  133: (m) => m.stack.push(m.popSome(1)), // TUPLE1
  134: (m) => m.stack.push(m.popSome(2)), // TUPLE2
  135: (m) => m.stack.push(m.popSome(3)), // TUPLE3
  97: (m) => m.append(m.popSome(1)), // APPEND
  101: (m) => m.append(m.popToMark()), // APPENDS
  144: (m) => m.append(m.popToMark()), // ADDITEMS
  115: (m) => m.setItems(m.popSome(2)), // SETITEM
  117: (m) => m.setItems(m.popToMark()), // SETITEMS
  113: (m) => m.remember(m.input.u8()), // BINPUT
  114: (m) => m.remember(m.input.u32()), // LONG_BINPUT
  148: (m) => m.remember(), // MEMOIZE
  104: (m) => m.recall(m.input.u8()), // BINGET
  106: (m) => m.recall(m.input.u32()), // LONG_BINGET
  99: (m) => m.stack.push(new PickledName(`${m.input.line()}.${m.input.line()}`)), // GLOBAL
  147: (m) => m.nameOfStack(), // STACK_GLOBAL
  82: (m) => m.call(), // REDUCE
  129: (m) => m.call(), // NEWOBJ
  98: (m) => m.build(), // BUILD
  81: (m) => m.findOutside(), // BINPERSID
};
