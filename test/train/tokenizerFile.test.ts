import { expect, test } from "vitest";
import { writeSafetensors } from "../../src/data/safetensors.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { CODEBOOK } from "../../src/models/tokenizer.ts";
import { methodOf, moduleOf } from "../../src/train/run.ts";
import { readTokenizer, writeTokenizer } from "../../src/train/tokenizerFile.ts";
import { smallRun } from "./methodRuns.ts";

const values = Float32Array.from({ length: 5 * 12 }, (_, i) => Math.fround(Math.sin(i)));
const wanted = { tokens: 5, patchSize: 2 };
const file = writeTokenizer({ values, shape: [5, 12] });

test("codes that were written are read to the bit, whether or not their number is asked for", () => {
  expect(readTokenizer(file, wanted)).toEqual({ values, shape: [5, 12] });
  expect(readTokenizer(file, { patchSize: 2 })).toEqual({ values, shape: [5, 12] });
});

const gray = writeTokenizer({ values: values.slice(0, 5 * 4), shape: [5, 4] });
test.each([
  [
    "another number",
    file,
    { ...wanted, tokens: 6 },
    "must have 6 tokens; got 5. Leave --tokens out, or give --tokens 5",
  ],
  [
    "another patch",
    file,
    { patchSize: 4 },
    "codes of RGB patches of 4 x 4 pixels, F32 [tokens, 48]; got F32 [5, 12].",
  ],
  [
    "one channel",
    gray,
    { patchSize: 2 },
    "codes of RGB patches of 2 x 2 pixels, F32 [tokens, 12]; got F32 [5, 4].",
  ],
])("codes of %s are refused", (_, bytes, asked, message) => {
  expect(() => readTokenizer(bytes, asked)).toThrow(message);
});

test.each(Object.keys(METHODS) as MethodName[])("%s says that it predicts tokens, if it does", (name) => {
  const { settings, tokenizer } = moduleOf(name);
  const [trained] = Object.values(methodOf(smallRun(name)).networks(0));
  const holdsCodes = trained!.find((spec) => spec.name === CODEBOOK);
  expect(tokenizer !== undefined).toBe(holdsCodes !== undefined);
  if (!tokenizer) return;
  expect(settings).toHaveProperty(tokenizer);
  const { config } = smallRun(name);
  expect(holdsCodes!.shape[0]).toBe((config as Record<string, unknown>)[tokenizer]);
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
