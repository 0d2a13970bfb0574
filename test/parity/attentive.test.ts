import { describe, expect, test } from "vitest";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import {
  ATTENTIVE_STYLES,
  type AttentiveStyleName,
  attentiveHead,
} from "../../src/eval/probes/attentiveProbe.ts";
import { optimizerOf } from "../../src/eval/probes/headRecipe.ts";
import { headStep } from "../../src/eval/probes/trainedHead.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";
import { relativeError } from "./relative.ts";

/** Between our float32 and float64; PyTorch's own float32 comes to 6e-7 (gradients) and 5e-7 (after five steps). */
const GRADIENT = 2e-6;
const AFTER = 5e-6;
/** Softmax takes no notice of a shift of all keys, batch norm of one of all answers: their gradients are 0. */
const SHIFTS = ["norm1_k.bias", "norm1_v.bias", "cross_attn.v_bias", "cross_attn.proj.bias"].map(
  (name) => `attentive.${name}`,
);

describe.each(Object.keys(ATTENTIVE_STYLES) as AttentiveStyleName[])(
  "the attentive probe of %s against PyTorch",
  (name) => {
    const on = withDevice();
    const fixture = loadFixture(`attentive-${name}`);
    const { width, heads, classes } = fixture.json<{ width: number; heads: number; classes: number }>(
      "settings",
    );
    const style = ATTENTIVE_STYLES[name];

    /** The fixture's first values, ready to be stepped. */
    function start() {
      const head = attentiveHead(on.device, { width, heads, classes, seed: 0, style });
      for (const [key, values] of fixture.under("start")) head.params.get(key).write(values);
      const [batch] = fixture.shape("tokens") as [number];
      const tokens = Tensor.from(on.device, fixture.values("tokens"), [
        batch,
        fixture.values("tokens").length / batch,
      ]);
      const labels = Tensor.from(on.device, Uint32Array.from(fixture.values("labels")), [batch], "u32");
      const optimizer = optimizerOf(style, head.params);
      const guard = new Guard(on.device);
      const step = async (number: number, lr: number): Promise<number> => {
        const numbers = Tensor.from(on.device, optimizer.numbers({ step: number, lr, weightDecay: 0 }), [4]);
        return headStep(head, optimizer, guard, tokens, labels, numbers).item();
      };
      return { ...head, step };
    }

    test("loss and every gradient of the first step", async () => {
      const { params, step } = start();
      expect(relativeError([await step(1, 0)], fixture.values("losses").subarray(0, 1))).toBeLessThan(1e-6);
      const gradients = await params.read(params.gradients!);
      const wanted = fixture.under("gradient");
      expect([...gradients.keys()].sort()).toEqual([...wanted.keys()].sort());
      const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
      const all = norm([...wanted.values()].map(norm));
      for (const [key, values] of wanted) {
        const found = gradients.get(key)!.values;
        if (SHIFTS.includes(key)) expect(norm(found) / all, key).toBeLessThan(1e-6);
        else expect(relativeError(found, values), key).toBeLessThan(GRADIENT);
      }
    });

    test("losses of five steps, and where they leave every parameter and running statistic", async () => {
      const { params, step } = start();
      const losses: number[] = [];
      for (const [i, rate] of fixture.values("rates").entries()) losses.push(await step(i + 1, rate));
      expect(relativeError(losses, fixture.values("losses"))).toBeLessThan(AFTER);
      const found = await params.read(params.values);
      const wanted = fixture.under("after");
      expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
      for (const [key, values] of wanted) {
        expect(relativeError(found.get(key)!.values, values), key).toBeLessThan(AFTER);
      }
    });
  },
);
