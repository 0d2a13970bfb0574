import { describe, expect, test } from "vitest";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import type { Features } from "../../src/eval/features.ts";
import { topKHits } from "../../src/eval/metrics.ts";
import {
  ATTENTIVE_STYLES,
  type AttentiveOptions,
  attentiveHead,
  attentiveProbe,
} from "../../src/eval/probes/attentiveProbe.ts";
import { probeSettings } from "../../src/eval/probes/headRecipe.ts";
import { LINEAR_STYLES } from "../../src/eval/probes/linearProbe.ts";
import { keptRows } from "../../src/eval/rows.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

const [TOKENS, WIDTH, CLASSES] = [5, 8, 4];

/** Tokens that are alike but for a little noise; one of them, at any place, has a mark and its class. */
function planted(count: number, seed: number, strength: number): Features {
  const next = testRandom(seed);
  const labels = Int32Array.from({ length: count }, () => Math.floor(next() * CLASSES));
  const values = Float32Array.from({ length: count * TOKENS * WIDTH }, (_, at) => {
    return (at % WIDTH === WIDTH - 1 ? 2 : 0) + 0.4 * (next() - 0.5);
  });
  for (const [row, label] of labels.entries()) {
    const start = (row * TOKENS + Math.floor(next() * TOKENS)) * WIDTH;
    values[start]! += strength;
    values[start + 1 + label]! += strength;
  }
  return { values, labels, dim: TOKENS * WIDTH, classes: CLASSES };
}

const on = withDevice();
const probe = (train: Features, test: Features, options: Partial<AttentiveOptions> = {}) =>
  attentiveProbe(on.device, keptRows("train", [train]), keptRows("test", [test]), {
    ...{ seed: 1, epochs: 20, width: WIDTH, heads: 2 },
    ...options,
  });

const shuffled = (features: Features, seed: number): Features => {
  const next = testRandom(seed);
  return { ...features, labels: features.labels.map(() => Math.floor(next() * CLASSES)) };
};

/** 3.5 standard deviations of a share of so many rows. */
const error = (share: number, count: number) => 3.5 * Math.sqrt((share * (1 - share)) / count);

describe("the attentive probe", () => {
  const [train, held] = [planted(400, 1, 4), planted(400, 2, 4)];

  test.each(["cae", "parts"] as const)(
    "finds the token that tells the class, by the recipe of %s",
    async (style) => {
      const often = style === "parts" ? { batchSize: 64, baseRate: 0.16 } : {}; // its own batch is the whole set
      const { top1, hits, losses, settings } = await probe(train, held, { style, ...often });
      expect(top1).toBe(1);
      expect(hits).toEqual(new Uint8Array(400).fill(1));
      expect(losses.at(-1)!).toBeLessThan(losses[0]! / 4);
      expect(settings).toMatchObject({
        batchSize: 64,
        rate: expect.closeTo(style === "cae" ? 0.1 : 0.04, 12),
      });
    },
  );

  test("features that know nothing give what guessing gives, and so do labels in any order", async () => {
    const noise = [planted(400, 3, 0), planted(400, 4, 0)] as const;
    const of = async (a: Features, b: Features) => {
      const { top1, majority, chance } = await probe(a, b, { epochs: 8 });
      expect(majority).toBeLessThan(chance + error(chance, 400));
      return top1;
    };
    expect(Math.abs((await of(...noise)) - 0.25)).toBeLessThan(error(0.25, 400));
    expect(Math.abs((await of(shuffled(train, 5), shuffled(held, 6))) - 0.25)).toBeLessThan(error(0.25, 400));
  });

  test("rows on the host give the bits of rows on the device, and a seed its own", async () => {
    const options = { seed: 3, epochs: 3, width: WIDTH, heads: 2 };
    const by = (mostBytes?: number) => keptRows("rows", [train], mostBytes);
    const run = (mostBytes?: number) => attentiveProbe(on.device, by(mostBytes), by(mostBytes), options);
    const device = await run();
    expect(await run(0)).toEqual(device);
    expect((await probe(train, train, { seed: 4, epochs: 3 })).losses).not.toEqual(device.losses);
  });

  test.each([
    [300, [256, 44]],
    [257, [257]],
  ])("tests by running statistics, or, as a quirk, by those of each batch: %i rows", async (count, sizes) => {
    const [some, few] = [planted(400, 1, 0.3), planted(count, 2, 0.3)];
    const options = { epochs: 4 };
    const [running, batch] = [
      await probe(some, few, options),
      await probe(some, few, { ...options, batchStatistics: true }),
    ];
    expect(batch.head).toEqual(running.head);
    expect(batch.hits).not.toEqual(running.hits);

    const { params, logits } = attentiveHead(on.device, {
      ...{ width: WIDTH, heads: 2, classes: CLASSES, seed: 0, style: ATTENTIVE_STYLES.cae },
    });
    params.write(params.values, batch.head);
    let start = 0;
    for (const size of sizes) {
      const values = few.values.subarray(start * few.dim, (start + size) * few.dim);
      const x = Tensor.from(on.device, values, [size, few.dim]);
      const scores = (await logits(x, new Guard(on.device)).read()) as Float32Array;
      const hits = topKHits(scores, few.labels.subarray(start, start + size), CLASSES, 1);
      expect(batch.hits.subarray(start, start + size)).toEqual(hits);
      start += size;
    }
    params.dispose();
  });

  test("tells the best epoch where it is asked for, and changes nothing by it", async () => {
    const options = { epochs: 4, baseRate: 0.001 };
    const [plain, asked] = [
      await probe(train, held, options),
      await probe(train, held, { ...options, bestEpoch: true }),
    ];
    const { best, ...rest } = asked;
    expect(rest).toEqual(plain);
    expect(best!.top1).toBeGreaterThanOrEqual(plain.top1);
    expect(best!.epoch).toBeLessThan(4);
  });

  test("begins as its papers say", async () => {
    const first = (style: "cae" | "parts") =>
      attentiveHead(on.device, { width: 64, heads: 2, classes: 40, seed: 1, style: ATTENTIVE_STYLES[style] })
        .params;
    const values = async (style: "cae" | "parts", name: string) => [...(await first(style).get(name).read())];
    const deviation = (list: number[]) => Math.sqrt(list.reduce((sum, v) => sum + v * v, 0) / list.length);
    expect(new Set(await values("cae", "query_token"))).toEqual(new Set([0]));
    expect(Math.max(...(await values("parts", "query_token")).map(Math.abs))).toBeLessThanOrEqual(0.02);
    const within = (found: number, wanted: number, count: number) =>
      expect(Math.abs(found / wanted - 1)).toBeLessThan(5 / Math.sqrt(2 * count));
    within(deviation(await values("cae", "attentive.cross_attn.k.weight")), 0.02, 64 * 64);
    within(
      deviation(await values("parts", "attentive.cross_attn.k.weight")),
      0.02 * Math.sqrt(0.2911),
      64 * 64,
    );
    within(deviation(await values("parts", "head.weight")), 0.01, 64 * 40);
  });

  test("has CAE's batch and rate on ImageNet, as far as the device holds its tokens", () => {
    const settings = (mostRows?: number) =>
      probeSettings("attentiveProbe", 1_281_167, ATTENTIVE_STYLES.cae, { seed: 0 }, mostRows);
    expect(settings()).toMatchObject({ batchSize: 8192, baseRate: 0.0125, rate: 0.4, updates: 90 * 156 });
    expect(settings(221)).toMatchObject({ batchSize: 221, rate: expect.closeTo(0.1, 12) });
    expect(settings(4096)).toMatchObject({ batchSize: 4096, rate: expect.closeTo(0.2, 12) });
  });

  test.each([
    ["attentive", ATTENTIVE_STYLES.parts, 0.01],
    ["linear", LINEAR_STYLES.parts, 0.1],
  ] as const)(
    "%s part classification has the batch and the rate per row of its program",
    (_, recipe, base) => {
      const settings = (count: number, options = {}) =>
        probeSettings("", count, recipe, { seed: 0, ...options });
      expect(settings(20_000)).toMatchObject({
        batchSize: 1024,
        baseRate: base,
        rate: 4 * base,
        updates: 90 * 19,
      });
      expect(settings(400)).toMatchObject({
        batchSize: 400,
        baseRate: base,
        rate: expect.closeTo((base * 400) / 256, 12),
      });
      expect(settings(20_000, { batchSize: 64 })).toMatchObject({ batchSize: 64, rate: base / 4 });
    },
  );

  test("a step of a class token alone and of many tokens has one shape of logits", async () => {
    const { logits, params } = attentiveHead(on.device, {
      ...{ width: WIDTH, heads: 2, classes: 3, seed: 1, style: ATTENTIVE_STYLES.parts },
    });
    for (const tokens of [1, 7]) {
      const x = Tensor.from(on.device, new Float32Array(2 * tokens * WIDTH).fill(0.5), [2, tokens * WIDTH]);
      expect(logits(x, new Guard(on.device)).shape).toEqual([2, 3]);
    }
    params.dispose();
  });
});
