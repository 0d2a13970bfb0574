import { describe, expect, test } from "vitest";
import { fingerprint, readTuning, writeTuning } from "../../../src/engine/gpu/tuning.ts";
import { gemmVersion } from "../../../src/engine/ops/gemmMethods.ts";
import plainWgsl from "../../../src/shaders/matmulPlain.wgsl";
import registerWgsl from "../../../src/shaders/matmulRegister.wgsl";
import subgroupWgsl from "../../../src/shaders/matmulSubgroup.wgsl";
import tileWgsl from "../../../src/shaders/matmulTile.wgsl";
import workgroupWgsl from "../../../src/shaders/matmulWorkgroup.wgsl";

const ADAPTER = 'maker / family / 7 / GPU with a "name"';
const choices = new Map([
  ["matmul nt m64 n64 k32 batch1", "workgroup64"],
  ["matmul tn m8r n4 k256 batch16", "register"],
]);
const text = writeTuning(ADAPTER, "abcd1234", choices);
const read = (cache: string) => readTuning(cache, ADAPTER, "abcd1234");
/** The cache with something changed. */
const changed = (change: object): string => JSON.stringify({ ...JSON.parse(text), ...change });

describe("the text of a tuning cache", () => {
  test("gives back what was written", () => {
    expect(read(text)).toEqual(choices);
    expect(read(writeTuning(ADAPTER, "abcd1234", new Map()))).toEqual(new Map());
  });

  test("is readable by a person: one choice a line, the adapter by name", () => {
    expect(text).toContain('\n    "matmul nt m64 n64 k32 batch1": "workgroup64",\n');
    expect(JSON.parse(text).adapter).toBe(ADAPTER);
    expect(text.endsWith("}\n")).toBe(true);
  });

  test.each([
    ["", "it is not JSON"],
    [text.slice(0, -10), "it is not JSON"],
    ["null", 'it is not a "partwise tuning 1" file'],
    ["[1, 2]", 'it is not a "partwise tuning 1" file'],
    [changed({ format: "partwise tuning 2" }), 'it is not a "partwise tuning 1" file'],
    [changed({ adapter: "another GPU" }), "it was measured on another adapter, another GPU"],
    [changed({ kernels: "00000000" }), "it was measured with other kernels"],
    [changed({ kernels: undefined }), "it was measured with other kernels"],
    [changed({ choices: undefined }), "its choices are not names of methods"],
    [changed({ choices: null }), "its choices are not names of methods"],
    [changed({ choices: "register" }), "its choices are not names of methods"],
    [changed({ choices: ["register"] }), "its choices are not names of methods"],
    [changed({ choices: { a: "register", b: 3 } }), "its choices are not names of methods"],
  ])("of no use: %s", (cache, reason) => {
    expect(read(cache)).toBe(reason);
  });
});

test("a fingerprint tells adapters and drivers apart", () => {
  const info = { vendor: "v", architecture: "a", device: "d", description: "driver 1" } as GPUAdapterInfo;
  expect(fingerprint(info)).toBe("v / a / d / driver 1");
  expect(fingerprint({ ...info, description: "driver 2" })).not.toBe(fingerprint(info));
});

test("the kernels' version is that of their text without comments and layout", () => {
  const bare = [plainWgsl, registerWgsl, subgroupWgsl, workgroupWgsl, tileWgsl]
    .join("")
    .replace(/\/\/.*/g, "")
    .replace(/\s/g, "");
  let hash = 0x811c9dc5n; // FNV-1a
  for (const character of bare) hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x01000193n) & 0xffffffffn;
  expect(gemmVersion()).toBe(hash.toString(16).padStart(8, "0"));
});
