import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "../../src/data/safetensors.ts";

/** A file of this header text, padded to `padding` bytes, and this many data bytes 0, 1, 2, ... */
function file(header: string, dataBytes = 0, padding = 0): Uint8Array {
  const text = new TextEncoder().encode(header.padEnd(padding));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  for (let i = 0; i < dataBytes; i++) bytes[8 + text.length + i] = i;
  return bytes;
}

const entry = (dtype: string, shape: number[], begin: number, end: number): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

const float32 = (values: number[], shape = [values.length]): StoredTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

describe("readSafetensors", () => {
  it("reads a file made by hand", () => {
    const bytes = file(
      `{"__metadata__":{"format":"pt"},"b":${entry("U8", [2, 1], 4, 6)},"a":${entry("I16", [2], 0, 4)}}`,
      6,
    );
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ format: "pt" });
    expect(tensors.get("a")).toEqual({ dtype: "I16", shape: [2], data: Int16Array.of(0x0100, 0x0302) });
    expect(tensors.get("b")).toEqual({ dtype: "U8", shape: [2, 1], data: Uint8Array.of(4, 5) });
  });

  it("copies what is not aligned and views what is", () => {
    const header = `{"a":${entry("U8", [1], 0, 1)},"b":${entry("F32", [1], 1, 5)}}`;
    const crooked = readSafetensors(file(header, 5, 120)).tensors.get("b")!;
    expect(crooked.data).toEqual(new Float32Array(Uint8Array.of(1, 2, 3, 4).buffer));
    const straight = file(`{"b":${entry("F32", [1], 0, 4)}}`, 4, 80);
    const { data } = readSafetensors(straight).tensors.get("b")!;
    expect(data.buffer).toBe(straight.buffer);
    expect(data).toEqual(new Float32Array(Uint8Array.of(0, 1, 2, 3).buffer));
  });

  it("reads names beyond ASCII, percent signs and escapes", () => {
    const bytes = file(`{"ä%41€😀":${entry("U8", [1], 0, 1)},"\\"a\\u00e4\\"":${entry("U8", [], 1, 2)}}`, 2);
    expect([...readSafetensors(bytes).tensors.keys()]).toEqual(["ä%41€😀", '"aä"']);
  });

  it.each([
    ["a file shorter than its length field", new Uint8Array(7), "8 bytes of header length; got 7 bytes"],
    [
      "a header beyond the file",
      file("{}").subarray(0, 9),
      "must fit the file of 9 bytes; got a length of 2",
    ],
    ["a length of text", new TextEncoder().encode("<html><head>"), "Is it a safetensors file?"],
    ["broken JSON", file("{"), 'the header must be JSON; got "{"'],
    ["a header that is no object", file("[1]"), 'must be an object, which begins with {; got "["'],
    [
      "bytes that are not UTF-8",
      Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x22),
      "must be UTF-8",
    ],
    ["a header of spaces alone", file("", 0, 50), "must be an object, which begins with {; got"],
    ["spaces in front", file(" {}"), 'begins with {; got " "'],
    ["lists in lists, before JSON.parse takes a minute", file(`{"a":${"[".repeat(4e7)}`), "at most 3 deep"],
    [
      "a name of 40 MB, in a short sentence",
      file(`{"${"a".repeat(4e7)}":3}`),
      /^.{60,80}… must have a dtype.{50,99}$/,
    ],
    ["metadata of 4 MB", file(`{"__metadata__":{"a":[${"1,".repeat(2e6)}1]}}`), /strings; got .{60}…$/],
    ["metadata of numbers", file('{"__metadata__":{"a":1}}'), "must map strings to strings"],
    ["an unknown dtype", file(`{"a":${entry("F8_E4M3", [1], 0, 1)}}`, 1), 'U8 BOOL; got "F8_E4M3"'],
    ["a dtype of Object.prototype", file(`{"a":${entry("toString", [1], 0, 1)}}`, 1), 'got "toString"'],
    ["an entry that is no object", file('{"a":3}'), "a must have a dtype among"],
    [
      "a negative size",
      file(`{"a":${entry("U8", [-1, -1], 0, 1)}}`, 1),
      "shape of whole numbers; got [-1,-1]",
    ],
    [
      "offsets beyond the data",
      file(`{"a":${entry("U8", [2], 0, 2)}}`, 1),
      "data_offsets within 1 bytes; got [0,2]",
    ],
    ["offsets that run backwards", file(`{"a":${entry("U8", [0], 1, 0)}}`, 1), "got [1,0]"],
    ["three offsets", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', 1), "got [0,1,1]"],
    [
      "a size that does not fit",
      file(`{"a":${entry("F32", [2], 0, 4)}}`, 4),
      "shape [2] must take 8 bytes; got 4",
    ],
    ["an enormous shape", file(`{"a":${entry("U8", [2 ** 52, 2 ** 52], 0, 1)}}`, 1), "bytes; got 1"],
    [
      "an overlap",
      file(`{"a":${entry("U8", [2], 0, 2)},"b":${entry("U8", [2], 1, 3)}}`, 3),
      "b at byte 1, which overlaps",
    ],
    [
      "a gap",
      file(`{"a":${entry("U8", [1], 0, 1)},"b":${entry("U8", [1], 2, 3)}}`, 3),
      "leaves a gap before it",
    ],
    ["bytes after the last tensor", file(`{"a":${entry("U8", [1], 0, 1)}}`, 3), "got 2 bytes more"],
    [
      "a name twice",
      file(`{"a":${entry("U8", [1], 0, 1)},"\\u0061":${entry("U8", [1], 0, 1)}}`, 1),
      "got a twice",
    ],
    [
      "a field twice",
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
      "got dtype twice",
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
  });
});

describe("writeSafetensors", () => {
  it("aligns every tensor, pads the header and keeps the order of names", () => {
    const tensors = new Map<string, StoredTensor>([
      ["flag", { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) }],
      ["weight", float32([1, 2, 3, 4], [2, 2])],
      ["count", { dtype: "I64", shape: [], data: BigInt64Array.of(-5n) }],
    ]);
    const bytes = writeSafetensors(tensors, { epoch: "3" });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(JSON.parse(header)).toEqual({
      __metadata__: { epoch: "3" },
      flag: { dtype: "BOOL", shape: [3], data_offsets: [24, 27] },
      weight: { dtype: "F32", shape: [2, 2], data_offsets: [8, 24] },
      count: { dtype: "I64", shape: [], data_offsets: [0, 8] },
    });
    const back = readSafetensors(bytes);
    expect([...back.tensors]).toEqual([...tensors]);
    for (const { data } of back.tensors.values()) expect(data.buffer).toBe(bytes.buffer);
  });

  it("writes a view without the rest of its buffer", () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const { tensors } = readSafetensors(
      writeSafetensors(new Map([["a", { dtype: "F32", shape: [2], data }]])),
    );
    expect(tensors.get("a")!.data).toEqual(Float32Array.of(2, 3));
  });

  it("refuses tensors that do not fit together", () => {
    const write = (name: string, tensor: StoredTensor) => () => writeSafetensors(new Map([[name, tensor]]));
    expect(write("a", float32([1, 2], [3]))).toThrow("a of shape [3] must match its data; got 2 values");
    expect(write("a", { ...float32([1]), dtype: "F64" })).toThrow("must match its data; got Float32Array");
    expect(write("__metadata__", float32([1]))).toThrow("must not be named __metadata__");
  });

  it("round-trips any tensors", () => {
    const shape = fc.array(fc.nat(4), { maxLength: 3 });
    const count = (sizes: number[]): number => sizes.reduce((a, b) => a * b, 1);
    const tensorOf = (
      dtype: StoredTensor["dtype"],
      array: new (buffer: ArrayBuffer) => StoredTensor["data"],
      width: number,
    ) =>
      shape.chain((sizes) =>
        fc
          .uint8Array({ minLength: count(sizes) * width, maxLength: count(sizes) * width })
          .map((bytes): StoredTensor => ({ dtype, shape: sizes, data: new array(bytes.slice().buffer) })),
      );
    const tensor = fc.oneof(
      tensorOf("F64", Float64Array, 8),
      tensorOf("F32", Float32Array, 4),
      tensorOf("F16", Uint16Array, 2),
      tensorOf("BF16", Uint16Array, 2),
      tensorOf("I64", BigInt64Array, 8),
      tensorOf("U64", BigUint64Array, 8),
      tensorOf("I32", Int32Array, 4),
      tensorOf("U32", Uint32Array, 4),
      tensorOf("I16", Int16Array, 2),
      tensorOf("U16", Uint16Array, 2),
      tensorOf("I8", Int8Array, 1),
      tensorOf("U8", Uint8Array, 1),
      tensorOf("BOOL", Uint8Array, 1),
    );
    const name = fc.string({ unit: "grapheme" }).filter((text) => text !== "__metadata__");
    const bits = ({ dtype, shape: sizes, data }: StoredTensor) => ({
      dtype,
      shape: sizes,
      bytes: [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key }),
        fc.dictionary(name, name),
        (entries, metadata) => {
          const written = writeSafetensors(new Map(entries), metadata);
          const shifted = new Uint8Array(written.length + 1).subarray(1); // a crooked start: everything must be copied
          shifted.set(written);
          for (const bytes of [written, shifted]) {
            const back = readSafetensors(bytes);
            expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(metadata).sort());
            expect(back.tensors.size).toBe(entries.length);
            for (const [key, expected] of entries)
              expect(bits(back.tensors.get(key)!)).toEqual(bits(expected));
          }
        },
      ),
    );
  });
});

describe("toFloat32", () => {
  const of = (dtype: StoredTensor["dtype"], data: StoredTensor["data"]): number[] => [
    ...toFloat32({ dtype, shape: [data.length], data }),
  ];

  it("returns F32 as it is", () => {
    const tensor = float32([1, 2]);
    expect(toFloat32(tensor)).toBe(tensor.data);
  });

  it("reads every kind of F16", () => {
    const bits = [
      0x0000, 0x8000, 0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7e00,
    ];
    const expected = [
      0,
      -0,
      1,
      -2,
      1365 / 4096,
      65504,
      2 ** -14,
      2 ** -24,
      -1023 * 2 ** -24,
      Infinity,
      -Infinity,
      NaN,
    ];
    expect(of("F16", Uint16Array.from(bits))).toEqual(expected);
  });

  it("reads BF16", () => {
    expect(of("BF16", Uint16Array.of(0x3f80, 0xc049, 0x8000, 0xff80))).toEqual([1, -3.140625, -0, -Infinity]);
  });

  it("converts the rest", () => {
    expect(of("F64", Float64Array.of(0.1))).toEqual([Math.fround(0.1)]);
    expect(of("I64", BigInt64Array.of(-3n))).toEqual([-3]);
    expect(of("U64", BigUint64Array.of(3n))).toEqual([3]);
    expect(of("I8", Int8Array.of(-128))).toEqual([-128]);
    expect(of("BOOL", Uint8Array.of(1, 0))).toEqual([1, 0]);
  });
});

describe("bytes that are cut out of others", () => {
  const values = [1.5, -2.5];
  /** A file whose data begins at a byte that is `shift` past a multiple of 8. */
  const crooked = (dtype: string, width: number, shift: number): Uint8Array => {
    const header = `{"a":${entry(dtype, [2], 0, 2 * width)}}`;
    const padding = Math.ceil(header.length / 8) * 8 + shift;
    const bytes = file(header, 2 * width, padding);
    const data = new DataView(bytes.buffer, 8 + padding);
    for (const [i, value] of values.entries()) {
      if (width === 8) data.setFloat64(8 * i, value, true);
      else data.setFloat32(4 * i, value, true);
    }
    return bytes;
  };

  it.each([1, 2, 3, 4, 5, 6, 7])(
    "are read right from %i bytes past alignment, out of Node's pool of buffers, too",
    (shift) => {
      for (const [dtype, width] of [
        ["F32", 4],
        ["F64", 8],
      ] as const) {
        const bytes = crooked(dtype, width, shift);
        const pooled = Buffer.from(bytes); // small enough to lie in the pool
        expect(pooled.buffer.byteLength).toBeGreaterThan(pooled.length);
        const inside = new Uint8Array(bytes.length + 3);
        inside.set(bytes, 3);
        for (const given of [bytes, pooled, inside.subarray(3), Buffer.from(inside).subarray(3)]) {
          const { data } = readSafetensors(given).tensors.get("a")!;
          expect([...(data as Float32Array)]).toEqual(values);
        }
      }
    },
  );
});

it("a header of 40 MB of spaces is read in a moment, and is the header that is in it", () => {
  const header = `{"a":${entry("U8", [1], 0, 1)}}`;
  const bytes = new Uint8Array(8 + 40_000_000 + 1).fill(0x20);
  bytes.set(new TextEncoder().encode(header), 8);
  new DataView(bytes.buffer).setBigUint64(0, 40_000_000n, true);
  expect([...readSafetensors(bytes).tensors.keys()]).toEqual(["a"]);
});
