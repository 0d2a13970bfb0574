import { describe, expect, test } from "vitest";
import { IGNORED } from "../../src/data/pixelSet.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { warmupPolynomial } from "../../src/engine/step/schedule.ts";
import {
  segmentationHead,
  segmentationLogits,
  segmentationLoss,
  segmentationStep,
} from "../../src/eval/segmentation/head.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";
import { relativeError } from "./relative.ts";

const NAMES = ["weight", "bias"] as const;

describe("mmseg's linear head against PyTorch", () => {
  const on = withDevice();
  const fixture = loadFixture("segmentation");
  const expected = (name: string): Float32Array => fixture.values(name);
  const { updates, warmup, rate, decay, ignore } =
    fixture.json<Record<"updates" | "warmup" | "rate" | "decay" | "ignore", number>>("settings");
  const [, height, width] = fixture.shape("labels") as [number, number, number];

  function start(decayBias = true) {
    const [classes, dim] = fixture.shape("weight") as [number, number];
    const head = segmentationHead(on.device, { dim, classes, seed: 0, decayBias });
    for (const name of NAMES) head.get(`conv_seg.${name}`).write(expected(name));
    const tokens = Tensor.from(on.device, expected("tokens"), fixture.shape("tokens"));
    const values = Uint32Array.from(expected("labels"), (label) => (label === ignore ? IGNORED : label));
    const labels = Tensor.from(on.device, values, fixture.shape("labels"), "u32");
    return { head, tokens, labels };
  }

  test("upsampled logits", async () => {
    const { head, tokens } = start();
    const logits = segmentationLogits(head, tokens, { height, width });
    expect(logits.shape).toEqual(fixture.shape("logits"));
    expect(relativeError(await logits.read(), expected("logits"))).toBeLessThan(1e-6);
  });

  test.each([
    ["the whole batch at once", undefined],
    ["picture by picture", 1],
  ])("loss and gradients, %s", async (_, most) => {
    const { head, tokens, labels } = start();
    const loss = segmentationLoss(head, tokens, labels, most);
    const gradients = grad(
      loss,
      NAMES.map((name) => head.get(`conv_seg.${name}`)),
    );
    expect(relativeError([await loss.item()], expected("loss"))).toBeLessThan(1e-6);
    for (const [i, name] of NAMES.entries()) {
      expect(relativeError(await gradients[i]!.read(), expected(`d${name}`)), name).toBeLessThan(2e-6);
    }
  });

  test.each([
    ["all", true],
    ["weight", false],
  ])("six updates of AdamW with warm-up and decay; weight decay reaches %s", async (kind, decayBias) => {
    const { head, tokens, labels } = start(decayBias);
    const rateAt = warmupPolynomial({ base: rate, warmupSteps: warmup, totalSteps: updates });
    const [optimizer, guard] = [adamw(head), new Guard(on.device)];
    const losses: number[] = [];
    for (let t = 0; t < updates; t++) {
      expect(Math.fround(rateAt(t))).toBe(expected("rates")[t]);
      const numbers = optimizer.numbers({ step: t + 1, lr: rateAt(t), weightDecay: decay });
      const at = Tensor.from(on.device, numbers, [4]);
      losses.push(await segmentationStep(head, optimizer, guard, tokens, labels, at).item());
    }
    expect(relativeError(losses, expected(`${kind}.losses`))).toBeLessThan(1e-6);
    for (const name of NAMES) {
      const found = await head.get(`conv_seg.${name}`).read();
      expect(relativeError(found, expected(`${kind}.${name}`)), name).toBeLessThan(2e-6);
    }
    const [all, weight] = [expected("all.bias"), expected("weight.bias")];
    expect(relativeError(all, weight)).toBeGreaterThan(1e-4); // the two cases can be told apart
  });
});
