import { beforeAll, describe, expect, test } from "vitest";
import type { Features } from "../../src/eval/features.ts";
import { LINEAR_STYLES, linearHead, linearProbe } from "../../src/eval/probes/linearProbe.ts";
import type { ProbeResult } from "../../src/eval/probes/trainedHead.ts";
import { relativeError } from "../parity/relative.ts";
import { VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";
import { type Probed, type ProbeRecipe, probe64 } from "./probe64.ts";
import { toyFeatures } from "./toyFeatures.ts";

const on = withDevice();
const sets = { dim: 10, classes: 9, spread: 1.5 };

/** One column is so even that the 1e-6 added to its variance counts. */
function withEvenColumn(features: Features): Features {
  const values = features.values.map((v, at) => (at % features.dim === 3 ? v / 1000 : v));
  return { ...features, values };
}
const views = [1, 2].map((seed) => withEvenColumn(toyFeatures({ ...sets, count: 70, seed })));
const held = withEvenColumn(toyFeatures({ ...sets, count: 1100, seed: 3 })); // two chunks of 1,024

const recipe: ProbeRecipe = {
  seed: 5,
  stream: 10,
  orderOf: (epoch) => epoch,
  viewOf: (epoch) => epoch,
  epochs: 6,
  batchSize: 20, // three steps an epoch
  rate: 0.5,
  warmupSteps: 6, // of two epochs
  rateLead: 0,
  weightDecay: 0,
  momentum: 0.9,
  trust: 0.001,
  statisticsMomentum: 0.1,
  eps: 1e-6,
};

let found: ProbeResult;
let first: Float32Array;
beforeAll(async () => {
  found = await linearProbe(on.device, views, held, {
    seed: 5,
    epochs: 6,
    warmupEpochs: 2,
    batchSize: 20,
    baseRate: 6.4, // 0.5 * 256 / 20
  });
  const { params } = linearHead(on.device, sets.dim, sets.classes, 5, LINEAR_STYLES.mae);
  first = (await params.get("head.1.weight").read()) as Float32Array;
  params.dispose();
});

/** Relative distances of losses, head, its way and running statistics. */
function distances(wanted: Probed): Record<string, number> {
  const head = (name: string) => found.head.get(`head.${name}`)!.values;
  const way = (weight: ArrayLike<number>) => Array.from(weight, (v, i) => v - first[i]!);
  return {
    losses: relativeError(found.losses, wanted.losses),
    way: relativeError(way(head("1.weight")), way(wanted.weight)),
    bias: relativeError(head("1.bias"), wanted.bias),
    mean: relativeError(head("0.running_mean"), wanted.mean),
    variance: relativeError(head("0.running_var"), wanted.variance),
  };
}

describe("the linear probe", () => {
  test("is the one made by hand", () => {
    for (const [name, error] of Object.entries(distances(probe64(views, held, first, recipe)))) {
      expect(error, name).toBeLessThan(VALUE);
    }
  });

  test("counts what its logits hit", () => {
    const { logits } = probe64(views, held, first, recipe);
    const ranks = [...held.labels].map((label, row) => {
      const scores = logits.subarray(row * sets.classes, (row + 1) * sets.classes);
      return scores.filter((score) => score > scores[label]!).length;
    });
    const share = (k: number) => ranks.filter((rank) => rank < k).length / ranks.length;
    expect([found.top1, found.top5]).toEqual([share(1), share(5)]);
    expect([...found.hits]).toEqual(ranks.map((rank) => (rank < 1 ? 1 : 0)));
    expect(new Set([share(1), share(4), share(5), share(6), 1]).size).toBe(5);
  });

  const rows: [name: string, changed: Partial<ProbeRecipe>][] = [
    ["another seed of the order", { seed: 6 }],
    ["another stream", { stream: 1 }],
    ["one order for all epochs", { orderOf: () => 0 }],
    ["one view for all epochs", { viewOf: () => 0 }],
    ["views the other way round", { viewOf: (epoch) => epoch + 1 }],
    ["another rate", { rate: 0.505 }],
    ["rates one step late", { rateLead: -1, warmupSteps: 7 }],
    ["rates one step early", { rateLead: 1 }],
    ["no warm-up", { warmupSteps: 0 }],
    ["a warm-up counted in steps", { warmupSteps: 2 }],
    ["weight decay", { weightDecay: 0.01 }],
    ["another momentum", { momentum: 0.89 }],
    ["another trust", { trust: 0.00101 }],
    ["another momentum of the statistics", { statisticsMomentum: 0.11 }],
    ["batch norm's usual eps", { eps: 1e-5 }],
  ];
  test.each(rows)("%s would be seen", (_, changed) => {
    const worst = Math.max(
      ...Object.values(distances(probe64(views, held, first, { ...recipe, ...changed }))),
    );
    expect(worst).toBeGreaterThan(10 * VALUE);
  });
});

test("a head starts as N(0, 0.01²), with no bias and statistics of 0 and 1", async () => {
  const { params } = linearHead(on.device, 100, 80, 1, LINEAR_STYLES.mae);
  const values = await params.read(params.values);
  const weight = values.get("head.1.weight")!.values;
  const moment = (power: number) => weight.reduce((sum, v) => sum + (v / 0.01) ** power, 0) / weight.length;
  const error = 5 / Math.sqrt(weight.length); // five standard errors
  expect(Math.abs(moment(1))).toBeLessThan(error);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(error * Math.sqrt(2));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(error * Math.sqrt(96));
  const all = (name: string) => [...new Set(values.get(name)!.values)];
  expect(["head.1.bias", "head.0.running_mean", "head.0.running_var"].map(all)).toEqual([[0], [0], [1]]);
  params.dispose();
});
