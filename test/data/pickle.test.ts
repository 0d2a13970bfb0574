import { expect, test } from "vitest";
import { PickledName, PickledObject, readPickle } from "../../src/data/pickle.ts";

const rules = {
  call(name: string, args: readonly unknown[]) {
    if (name === "m.Box") return new PickledObject(name);
    if (name === "m.pair") return args;
    throw new Error(`no calls of ${name}`);
  },
  persistent: (id: unknown) => ({ outside: id }),
};

/** Opcodes as pickletools.py shows them: text for its letters, numbers for bytes. */
const bytesOf = (...parts: (string | number)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : [...Buffer.from(part, "latin1")])),
  );
const read = (...parts: (string | number)[]) => readPickle(bytesOf(...parts), rules);
const text = (word: string): (string | number)[] => ["X", word.length, 0, 0, 0, word];
const made = (...parts: (string | number)[]): unknown => read(0x80, 2, ...parts, ".").value;

test("constants", () => {
  expect(made("N")).toBe(null);
  expect([made(0x88), made(0x89)]).toEqual([true, false]);
  expect([made("K", 200), made("M", 1, 2), made("J", 0xfe, 0xff, 0xff, 0xff)]).toEqual([200, 513, -2]);
  expect(made(0x8a, 2, 0, 0x80)).toBe(-32768);
  expect(made(0x8a, 10, "l\xfc\x9cF\xf9 j\xa8P\x19")).toBe(0x1950a86a20f9469cfc6cn);
  expect(made("G", 0xbf, 0xf8, 0, 0, 0, 0, 0, 0)).toBe(-1.5);
  expect([made(...text("w")), made(0x8c, 2, 0xc3, 0xa9)]).toEqual(["w", "é"]);
  expect([...(made("C", 2, 7, 8) as Uint8Array)]).toEqual([7, 8]);
});

test("containers, the memo and what is outside", () => {
  expect(made("]", "(", "K", 1, "K", 2, "e", "K", 3, "a")).toEqual([1, 2, 3]);
  expect(made("(", "K", 1, "N", "t")).toEqual([1, null]);
  expect(made("K", 1, "K", 2, "K", 3, 0x87)).toEqual([1, 2, 3]);
  expect(made("}", "(", "K", 1, "K", 2, "u", "K", 3, "N", "s")).toEqual(
    new Map<unknown, unknown>([
      [1, 2],
      [3, null],
    ]),
  );
  expect(made("]", "q", 4, "h", 4, 0x86)).toEqual([[], []]);
  expect(made("K", 5, 0x85, "Q")).toEqual({ outside: [5] });
});

test("calls are the reader's, and objects are records", () => {
  expect(made("cm\npair\n", "K", 1, 0x85, "R")).toEqual([1]);
  expect(made(...text("m"), ...text("Box"), 0x93)).toEqual(new PickledName("m.Box"));
  const box = made("cm\nBox\n", ")", 0x81, "}", ...text("w"), "K", 7, "s", "b") as PickledObject;
  expect([box.className, [...box.attributes]]).toEqual(["m.Box", [["w", 7]]]);
});

test("several lie in a row", () => {
  const bytes = bytesOf(0x80, 2, "K", 1, ".", 0x80, 2, "K", 2, ".");
  expect(readPickle(bytes, rules)).toEqual({ value: 1, end: 5 });
  expect(readPickle(bytes, rules, 5)).toEqual({ value: 2, end: 10 });
});

test.each<[string, (string | number)[], string]>([
  ["nothing", [], "byte 100 must hold an opcode of 1 bytes; got the end at 100"],
  ["a cut number", ["J", 1], "byte 100 must hold a number of 4 bytes; got the end at 102"],
  [
    "a long text",
    ["X", 0xff, 0xff, 0xff, 0xff, "a"],
    "byte 100 must hold text of 4294967295 bytes; got the end",
  ],
  ["another text", ["X", 1, 0, 0, 0, 0xff, "."], "byte 100 must hold text in UTF-8; got other bytes"],
  ["protocol 1", [0x80, 1], "byte 100 must hold a pickle of protocol 2 to 5; got 1"],
  [
    "an instance by a call of its own",
    ["(", "K", 1, "o"],
    "byte 103 must hold an opcode that files of tensors use; got 0x6f",
  ],
  ["a value from an empty stack", ["."], "byte 100 must hold an opcode that finds a value; got none"],
  ["a value below a mark", ["(", 0x85], "byte 101 must hold an opcode that finds a value; got none"],
  ["values without a mark", ["t"], "byte 100 must hold an opcode that finds a mark; got none"],
  ["what was not remembered", ["h", 3], "byte 100 must hold the number of a value before it; got 3"],
  ["a list that is none", ["N", "N", "a"], "byte 102 must hold an opcode that finds a list"],
  ["a dict that is none", ["]", "N", "N", "s"], "byte 103 must hold an opcode that finds a dict and pairs"],
  ["a call of a value", ["N", ")", "R"], "byte 102 must hold a call of a class by its name"],
  ["a name of numbers", ["K", 1, "K", 2, 0x93], "byte 104 must hold an opcode that finds two names"],
  ["a name without an end", ["cos"], "byte 100 must hold a name that ends with a line feed"],
  [
    "attributes of a list",
    ["]", "}", "b"],
    "byte 102 must hold an opcode that finds an object and its attributes",
  ],
  ["a forbidden call", ["cos\nsystem\n", ...text("true"), 0x85, "R"], "byte 121: no calls of os.system"],
])("%s is refused with its place", (_, parts, message) => {
  expect(() => readPickle(bytesOf(...parts), rules, 0, 100)).toThrow(`readPickle: ${message}`);
});
