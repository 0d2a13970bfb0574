import { describe, expect, test } from "vitest";
import { NonFiniteLossError } from "../../src/engine/graph/guard.ts";
import type { Schedule } from "../../src/engine/step/schedule.ts";
import type { Features } from "../../src/eval/features.ts";
import { ATTENTIVE_STYLES } from "../../src/eval/probes/attentiveProbe.ts";
import {
  type HeadRecipe,
  type ProbeOptions,
  probeSettings,
  rateOf,
} from "../../src/eval/probes/headRecipe.ts";
import { LINEAR_STYLES, type LinearStyleName, linearProbe } from "../../src/eval/probes/linearProbe.ts";
import { vitConfig } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { toyFeatures } from "./toyFeatures.ts";

const SETS = { dim: 12, classes: 5 };

describe("linearProbe", () => {
  const on = withDevice();
  const train = toyFeatures({ ...SETS, count: 320, seed: 1 });
  const held = toyFeatures({ ...SETS, count: 150, seed: 2 });

  test("separable classes: everything right on training and test rows", async () => {
    const epochs: number[] = [];
    const result = await linearProbe(on.device, train, held, {
      seed: 1,
      onEpoch: (epoch) => epochs.push(epoch),
    });
    expect([result.top1, result.top5]).toEqual([1, 1]);
    expect((await linearProbe(on.device, train, train, { seed: 1 })).top1).toBe(1);
    expect(result.losses[0]!).toBeGreaterThan(1);
    expect(result.losses.at(-1)!).toBeLessThan(0.1);
    expect(epochs).toEqual(Array.from({ length: 90 }, (_, i) => i));
  });

  test("random labels stay at chance, and the guess levels are reported", async () => {
    const any = (seed: number) => toyFeatures({ ...SETS, count: 320, seed, spread: 1, labels: "any" });
    const { top1, top5, chance, majority, hits } = await linearProbe(on.device, any(3), any(4), {
      seed: 1,
      epochs: 20,
    });
    expect(Math.abs(top1 - 0.2)).toBeLessThan(0.08); // 3.5 deviations of 320
    expect([top5, chance, hits.length]).toEqual([1, 0.2, 320]);
    expect(majority).toBeLessThan(0.3);
  });

  test("a seed gives the same bits, another seed others", async () => {
    const options = { epochs: 6, batchSize: 64 };
    const run = (seed: number) => linearProbe(on.device, train, held, { ...options, seed });
    const [first, again, other] = [await run(7), await run(7), await run(8)];
    expect(again).toEqual(first);
    expect(other.losses).not.toEqual(first.losses);
    expect(other.head).not.toEqual(first.head);
  });

  test("running statistics are those of the training features, and the test uses them", async () => {
    const shifted: Features = { ...train, values: train.values.map((v) => 3 * v + 10) };
    const same: Features = { ...held, values: held.values.map((v) => 3 * v + 10) };
    const options = { seed: 1, epochs: 40 };
    const result = await linearProbe(on.device, shifted, same, options);
    const means = result.head.get("head.0.running_mean")!.values;
    const variances = result.head.get("head.0.running_var")!.values;
    for (let d = 0; d < SETS.dim; d++) {
      const column = shifted.values.filter((_, i) => i % SETS.dim === d);
      const mean = column.reduce((sum, v) => sum + v, 0) / column.length;
      const variance = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (column.length - 1);
      expect(Math.abs(means[d]! - mean)).toBeLessThan(0.05 * Math.sqrt(variance));
      expect(variances[d]! / variance).toBeGreaterThan(0.9);
      expect(variances[d]! / variance).toBeLessThan(1.1);
    }
    expect(result.top1).toBe(1);
    // With the batch's own statistics a shift of the test set alone would not matter.
    expect((await linearProbe(on.device, shifted, held, options)).top1).toBeLessThan(0.9);
  });

  test("views take turns by epoch", async () => {
    const noise = toyFeatures({ ...SETS, count: 320, seed: 5 });
    const options = { seed: 1, epochs: 3, warmupEpochs: 0 };
    const one = await linearProbe(on.device, train, held, options);
    const two = await linearProbe(on.device, [train, noise], held, options);
    expect(two.losses[0]).toBe(one.losses[0]);
    expect(two.losses[1]).not.toBe(one.losses[1]);
    expect(await linearProbe(on.device, [train, train], held, options)).toEqual(one);
    const relabelled = { ...noise, labels: noise.labels.map((c) => (c + 1) % SETS.classes) };
    await expect(linearProbe(on.device, [train, relabelled], held, options)).rejects.toThrow(/same labels/);
  });

  test("defaults are the paper's on ImageNet, and keep its pace on small sets", () => {
    const settings = (count: number, options: Partial<ProbeOptions> = {}) =>
      probeSettings("linearProbe", count, LINEAR_STYLES.mae, { seed: 0, ...options });
    expect(settings(1_281_167)).toEqual({
      seed: 0,
      epochs: 90,
      warmupEpochs: 10,
      batchSize: 16_384,
      baseRate: 0.1,
      rate: 6.4,
      updates: 90 * 78,
    });
    expect(settings(20_000)).toMatchObject({ batchSize: 256, rate: 6.4, updates: 90 * 78 });
    expect(settings(320)).toMatchObject({ batchSize: 64, rate: 6.4 });
    expect(settings(40)).toMatchObject({ batchSize: 40, rate: 6.4, updates: 90 });
    expect(settings(2_000, { batchSize: 512, baseRate: 0.1 })).toMatchObject({ rate: 0.2 });
  });

  test("the warm-up of a paper's length begins at 0; one of less than an update is left out", () => {
    const rates = (style: HeadRecipe, count: number, epochs: number): Schedule => {
      const settings = probeSettings("probe", count, style, { seed: 0, epochs });
      return rateOf(style, settings, settings.updates / epochs);
    };
    const official = rates(LINEAR_STYLES.mae, 1_281_167, 90);
    expect([0, 390, 780].map(official)).toEqual([0, 3.2, 6.4]);
    const nine = rates(LINEAR_STYLES.mae, 64, 9); // of these an update is warm-up
    expect([0, 1].map(nine)).toEqual([0, 6.4]);
    for (const style of [LINEAR_STYLES.mae, ATTENTIVE_STYLES.cae]) {
      for (const epochs of [1, 2, 8]) {
        const rateAt = rates(style, 64, epochs);
        expect(rateAt(0)).toBe(style === LINEAR_STYLES.mae ? 6.4 : 0.1);
        for (let update = 1; update < epochs; update++)
          expect(rateAt(update)).toBeLessThan(rateAt(update - 1));
      }
    }
  });

  test("MoCo v3's and DINO's: no norm, plain SGD, rates that stay for an epoch", async () => {
    const settings = (style: LinearStyleName) =>
      probeSettings("linearProbe", 1_281_167, LINEAR_STYLES[style], { seed: 0 });
    expect(settings("moco-v3")).toMatchObject({
      epochs: 90,
      warmupEpochs: 0,
      batchSize: 1024,
      baseRate: 3,
      rate: 12,
    });
    expect(settings("dino")).toMatchObject({ epochs: 100, batchSize: 1024, baseRate: 0.001, rate: 0.004 });
    const rateAt = rateOf(LINEAR_STYLES["moco-v3"], settings("moco-v3"), 1251);
    const rates = [0, 1250, 1251, 45 * 1251, 90 * 1251 - 1].map(rateAt);
    const cosine = (epoch: number) => 6 * (1 + Math.cos((Math.PI * epoch) / 90));
    for (const [i, epoch] of [0, 0, 1, 45, 89].entries()) expect(rates[i]!).toBeCloseTo(cosine(epoch), 12);
    for (const style of ["moco-v3", "dino"] as const) {
      const { top1, head } = await linearProbe(on.device, train, held, { seed: 1, style });
      expect([top1, ...head.keys()], style).toEqual([1, "head.1.weight", "head.1.bias"]);
    }
  });

  test("styles read what their papers do", () => {
    const read = (style: LinearStyleName, model: string) => LINEAR_STYLES[style].reading(vitConfig(model));
    expect(read("dino", "vit_small_patch16_224")).toBe("cls4");
    expect(read("dino", "vit_base_patch16_224")).toBe("cls+mean");
    expect([read("mae", "vit_base_patch16_224"), read("moco-v3", "vit_base_patch16_224")]).toEqual([
      "cls",
      "cls",
    ]);
  });

  test("what cannot be right is refused in one sentence", async () => {
    const probe = (changes: Partial<Features>, options = {}) =>
      linearProbe(on.device, { ...train, ...changes }, held, { seed: 1, ...options });
    const broken = train.values.slice();
    broken[25] = Number.NaN;
    await expect(probe({ values: broken })).rejects.toThrow(
      /linearProbe, training: every feature must be a finite number; got NaN in row 2\. Did/,
    );
    await expect(probe({ labels: train.labels.map(() => -1) })).rejects.toThrow(/labelled/);
    await expect(probe({ classes: 6 })).rejects.toThrow(/same classes/);
    const [zeros, ones] = [train.labels.map(() => 0), held.labels.map(() => 1)];
    await expect(
      linearProbe(on.device, { ...train, labels: zeros }, { ...held, labels: ones }, { seed: 1 }),
    ).rejects.toThrow(/some test label must be among the training labels; got none of 150\. Are both/);
    await expect(probe({}, { batchSize: 321 })).rejects.toThrow(/batch size in \[2, 320\]/);
    await expect(linearProbe(on.device, [], held, { seed: 1 })).rejects.toThrow(/got no view/);
  });

  test("a loss that does not stay finite is no fault of what was given", async () => {
    const wild = linearProbe(on.device, train, held, { seed: 1, baseRate: 1e37, warmupEpochs: 0 });
    await expect(wild).rejects.toThrow(NonFiniteLossError);
    await expect(wild).rejects.toThrow(
      /^linearProbe: the loss must stay finite; got \w+ in epoch \d+\. Lower the base rate 1e\+37$/,
    );
  });
});
