import { describe, expect, test } from "vitest";
import type { Device } from "../../../src/engine/gpu/device.ts";
import { fingerprint, readTuning, writeTuning } from "../../../src/engine/gpu/tuning.ts";
import { attentionMethods } from "../../../src/engine/ops/attentionMethods.ts";
import { gemmMethods } from "../../../src/engine/ops/gemmMethods.ts";
import { tunedTexts, tunedVersion } from "../../../src/engine/ops/tunedVersion.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();

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

describe("the kernels' version", () => {
  test("is the hash of their text without comments and layout", () => {
    const bare = tunedTexts()
      .join("")
      .replace(/\/\/.*/g, "")
      .replace(/\s/g, "");
    let hash = 0x811c9dc5n; // FNV-1a
    for (const character of bare) {
      hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x01000193n) & 0xffffffffn;
    }
    expect(tunedVersion()).toBe(hash.toString(16).padStart(8, "0"));
    expect(tunedVersion(["a // b", " c"])).toBe(tunedVersion(["ac"]));
  });

  test("is of a text of every method that there is a choice of", () => {
    const texts = new Set(tunedTexts());
    const shape = { batch: 2, queries: 65, keys: 65, heads: 3, headSize: 32 };
    for (const subgroupSize of [0, 8, 32]) {
      const { limits, info, capabilities } = on.device;
      const device = { limits, info, capabilities: { ...capabilities, subgroupSize } } as Device;
      const attention = (["forward", "backward"] as const).flatMap((pass) =>
        attentionMethods(device, pass, shape).flatMap(({ kernels }) => kernels),
      );
      for (const { entry, sources } of [...gemmMethods(device.capabilities), ...attention]) {
        expect(
          sources.some((text) => texts.has(text)),
          entry,
        ).toBe(true);
      }
    }
  });
});
