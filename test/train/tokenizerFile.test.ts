import { expect, test } from "vitest";
import { writeSafetensors } from "../../src/data/safetensors.ts";
import { CODEBOOK } from "../../src/models/tokenizer.ts";
import { readTokenizer, writeTokenizer } from "../../src/train/tokenizerFile.ts";

const values = Float32Array.from({ length: 5 * 12 }, (_, i) => Math.fround(Math.sin(i)));
const wanted = { tokens: 5, patchSize: 2 };
const file = writeTokenizer({ values, shape: [5, 12] });

test("codes that were written are read to the bit", () => {
  expect(readTokenizer(file, wanted)).toEqual(new Map([[CODEBOOK, values]]));
});

test.each([
  [
    "another count",
    { ...wanted, tokens: 6 },
    "must be 6 codes of patches of 2 pixels, F32 [6,12]; got F32 [5,12]. Use --tokens 5",
  ],
  ["another patch", { ...wanted, patchSize: 4 }, "must be 5 codes of patches of 4 pixels, F32 [5,48]"],
])("codes for %s are refused", (_, asked, message) => {
  expect(() => readTokenizer(file, asked)).toThrow(message);
});

const tensor = { dtype: "F32", shape: [5, 12], data: values } as const;
const whole = { format: "partwise tokenizer", patchEps: "0.01" };
test.each([
  ["a checkpoint", new Map([["cls_token", tensor]]), {}, "must hold tokenizer.codebook and say format"],
  ["a run with codes", new Map([[CODEBOOK, tensor]]), {}, "say format = partwise tokenizer; got undefined"],
  [
    "other patches",
    new Map([[CODEBOOK, tensor]]),
    { ...whole, patchEps: "0.1" },
    "say patchEps = 0.01; got 0.1",
  ],
  [
    "a code that is not a number",
    new Map([[CODEBOOK, { ...tensor, data: values.map((x, i) => (i === 7 ? Number.NaN : x)) }]]),
    whole,
    "tokenizer.codebook must be finite; got NaN",
  ],
])("%s is refused in one sentence", (_, tensors, metadata, message) => {
  expect(() => readTokenizer(writeSafetensors(tensors, metadata), wanted)).toThrow(message);
});
