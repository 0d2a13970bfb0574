import { expect, test, vi } from "vitest";
import { otherAttentionCases } from "../../bench/ops/attentionCases.ts";
import { Inputs } from "../../bench/ops/opCase.ts";
import { attentionMethods, shippedAttention } from "../../src/engine/ops/attentionMethods.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const PASSES = ["forward", "backward"] as const;

test("attention by another method than the one that ships runs that method's kernels", async () => {
  const { device } = on;
  const inputs = new Inputs(device);
  const cases = otherAttentionCases(inputs, { batch: 2, tokens: 5, width: 16, heads: 2 });
  const shape = { batch: 2, queries: 5, keys: 5, heads: 2, headSize: 8 };
  const others = PASSES.flatMap((pass) =>
    attentionMethods(device, pass, shape)
      .filter(({ name }) => name !== shippedAttention(device, pass))
      .map(({ name, kernels }) => ({ name: `attention ${pass} ${name}`, kernels })),
  );
  expect(others.length).toBeGreaterThan(1);
  expect(cases.map(({ name }) => name)).toEqual(others.map(({ name }) => name));
  const before = device.tuning;
  const run = vi.spyOn(device, "run").mockReturnValue(); // which kernels, not what they compute: compiling them takes minutes
  for (const [i, { name, check, record }] of cases.entries()) {
    await check();
    run.mockClear();
    record();
    const ran = run.mock.calls.map(([{ label }]) => label);
    const its = others[i]!.kernels.filter(({ by }) => by !== "pairs").map(({ entry }) => entry);
    expect(ran.filter((label) => label.startsWith("attention")).sort(), name).toEqual(its.sort());
    expect(device.tuning).toBe(before);
  }
  run.mockRestore();
  await inputs.dispose();
});
