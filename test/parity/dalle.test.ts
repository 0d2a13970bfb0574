import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toFloat32, writeSafetensors } from "../../src/data/safetensors.ts";
import { openSafetensors } from "../../src/data/safetensorsFile.ts";
import { openTorchFile } from "../../src/data/torchFile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { dalleLogits, dalleSpecs, dalleTokens } from "../../src/models/dalle.ts";
import { type Dalle, readDalle } from "../../src/train/dalleFile.ts";
import { sourceOf } from "../train/savedFile.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";

const fixture = loadFixture("dalle");
const opened = (name: string) =>
  openTorchFile(sourceOf(Uint8Array.from(readFileSync(new URL(`fixtures/dalle/${name}`, import.meta.url)))));

/** The encoder on the device. */
function loaded(device: Device, { config, values }: Dalle): Parameters {
  const params = new Parameters(device, dalleSpecs(config), { gradients: false });
  for (const [name, found] of values) params.get(name.replace(/^tokenizer\./, "")).write(found);
  return params;
}

describe("against PyTorch", () => {
  const on = withDevice();

  test("logits and tokens of the published module's architecture", async () => {
    const dalle = await readDalle(await opened("legacy.pkl"));
    expect(dalle.config).toEqual({ width: 4, blocksPerGroup: 1, tokens: 8 });
    const params = loaded(on.device, dalle);
    const pictures = Tensor.from(on.device, fixture.values("pictures"), fixture.shape("pictures"));
    const exact = fixture.values("logits");
    const logits = dalleLogits(params, dalle.config, pictures);
    expect(logits.shape).toEqual([2, 2, 2, 8]);
    const found = await logits.read();
    const square = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0);
    const error = Math.sqrt(square(exact.map((x, i) => x - found[i]!)) / square(exact));
    // Measured 2.6e-7; PyTorch's own float32 3.3e-7.
    expect(error).toBeLessThan(5e-7);
    expect(Number(fixture.metadata.float32_error)).toBeLessThan(5e-7);

    const best = Array.from({ length: 8 }, (_, at) => {
      const row = exact.subarray(8 * at, 8 * at + 8);
      return row.indexOf(Math.max(...row));
    });
    expect(new Set(best).size).toBeGreaterThan(2);
    const tokens = dalleTokens(params, dalle.config, pictures);
    expect([tokens.shape, [...(await tokens.read())]]).toEqual([[2, 4], best]);
    params.dispose();
  });

  test("pictures that do not fit together are looked at in parts, to the same tokens", async () => {
    const dalle = await readDalle(await opened("encoder.pkl"));
    const params = loaded(on.device, dalle);
    const pictures = Tensor.from(on.device, fixture.values("pictures"), fixture.shape("pictures"));
    const counted = async (mostBytes?: number) => {
      const before = on.device.counters.dispatches;
      const tokens = dalleTokens(params, dalle.config, pictures, mostBytes);
      return { tokens: [...(await tokens.read())], dispatches: on.device.counters.dispatches - before };
    };
    const [whole, parts] = [await counted(), await counted(4 * 16 * 16 * 147)]; // the windows of one picture
    expect(parts.tokens).toEqual(whole.tokens);
    expect(parts.dispatches).toBeGreaterThan(1.9 * whole.dispatches);
    params.dispose();
  });
});

test("a module, its state dict and safetensors of the same names are one encoder", async () => {
  const file = await opened("state.pth");
  const dalle = await readDalle(file);
  expect(await readDalle(await opened("encoder.pkl"))).toEqual(dalle);
  const tensors = new Map<string, Awaited<ReturnType<typeof file.tensor>>>();
  for (const name of file.entries.keys()) tensors.set(name, await file.tensor(name));
  expect(await readDalle(await openSafetensors(sourceOf(writeSafetensors(tensors))))).toEqual(dalle);
  const weight = toFloat32(tensors.get("blocks.input.w")!); // [4, 3, 7, 7] there, [4, 7, 7, 3] here
  const moved = dalle.values.get("tokenizer.blocks.input.w")!;
  expect([moved[1], moved[3], moved[147]]).toEqual([weight[49], weight[1], weight[147]]);
});

test.each<[string, (tensors: Map<string, { shape: number[] }>) => void, string]>([
  [
    "a decoder",
    (t) => t.delete("blocks.input.w"),
    "must hold blocks.input.w and blocks.output.conv.w; got blocks.input.b",
  ],
  [
    "a block too few",
    (t) => t.delete("blocks.group_3.block_1.res_path.conv_2.w"),
    "blocks.group_3.block_1.res_path.conv_2.w must have shape [4,4,3,3] in an encoder of 4 channels; got no such tensor",
  ],
  [
    "other widths",
    (t) => t.set("blocks.group_2.block_1.id_path.w", { shape: [8, 5, 1, 1] }),
    "blocks.group_2.block_1.id_path.w must have shape [8,4,1,1] in an encoder of 4 channels; got [8,5,1,1]",
  ],
  [
    "a block too many",
    (t) => t.set("blocks.group_2.block_2.id_path.w", { shape: [8, 8, 1, 1] }),
    "of 1 blocks in each of 4 groups must hold its parameters alone; got blocks.group_2.block_2.id_path.w",
  ],
  [
    "no block at all",
    (t) => t.delete("blocks.group_1.block_1.res_path.conv_1.w"),
    "dalle: width, a multiple of 4, blocksPerGroup, at most 64, and tokens must be whole and positive",
  ],
  ["a width of 6", (t) => t.set("blocks.input.w", { shape: [6, 3, 7, 7] }), "dalle: width, a multiple of 4,"],
  [
    "a value that is none",
    (t) => t.set("blocks.input.b", { shape: [4] }),
    "blocks.input.b must be finite; got NaN",
  ],
])("%s is refused in one sentence", async (_, change, message) => {
  const file = await opened("legacy.pkl");
  const entries = new Map(
    [...file.entries].map(([name, { dtype, shape }]) => [name, { dtype, shape: [...shape] }]),
  );
  change(entries);
  const tensor = async (name: string) => {
    const stored = await file.tensor(name);
    return name === "blocks.input.b" && message.includes("finite")
      ? { ...stored, data: Float32Array.of(1, Number.NaN, 0, 0) }
      : stored;
  };
  await expect(readDalle({ entries: entries as typeof file.entries, tensor })).rejects.toThrow(message);
});
