// MoCo v3, DINO, iBOT and supervision: what is known of them in closed form, and whether they learn.

import { describe, expect, test } from "vitest";
import { capture } from "../../src/engine/capture/compile.ts";
import { isRange } from "../../src/engine/gpu/command.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { concat } from "../../src/engine/ops/concat.ts";
import { normalize } from "../../src/engine/ops/normalize.ts";
import { slice } from "../../src/engine/ops/slice.ts";
import { Random } from "../../src/engine/random.ts";
import { cosineMomentum } from "../../src/engine/step/schedule.ts";
import { effectiveRank, featureStd, targetSigns } from "../../src/models/collapse.ts";
import { type DinoConfig, dino, dinoModule, freezing, teacherTemperature } from "../../src/models/dino.ts";
import { prototypeHeadSpecs, prototypesOf } from "../../src/models/heads.ts";
import { type IbotConfig, ibot, ibotModule } from "../../src/models/ibot.ts";
import { timmInit } from "../../src/models/init.ts";
import type { Method, MethodModule } from "../../src/models/method.ts";
import { contrastiveLoss, mocoV3Module } from "../../src/models/mocoV3.ts";
import { crossViewLoss, meanAnswer, patchLoss, piecesOf } from "../../src/models/prototypeLoss.ts";
import { defaultsOf } from "../../src/models/settings.ts";
import { supervisedModule } from "../../src/models/supervised.ts";
import { type VitConfig, vitConfig } from "../../src/models/vit.ts";
import { TINY } from "../parity/model.ts";
import { relativeError } from "../parity/relative.ts";
import { withDevice } from "../withDevice.ts";
import { creaturePictures, networksOf, overfit, stepOf } from "./learning.ts";

function made<C extends object>(
  module: MethodModule<C>,
  changes: Partial<C>,
  { encoder = TINY, batchSize = 4 }: { encoder?: VitConfig; batchSize?: number } = {},
): Method {
  return module.make({ encoder, batchSize, classes: 4 }, { ...defaultsOf(module.settings), ...changes });
}

const normals = (shape: readonly number[], seed: number): Float32Array =>
  new Random(seed, "test").fillNormal(new Float32Array(shape.reduce((size, n) => size * n, 1)));

const prototypes: Partial<DinoConfig> = {
  prototypes: 32,
  hiddenDim: 32,
  bottleneckDim: 16,
  localCrops: 2,
  localSize: 8,
  dropPath: 0,
};

const moment = { seed: 4, step: 7, epoch: 0, stepsPerEpoch: 5, totalSteps: 100 };

describe("first losses", () => {
  const on = withDevice();
  /** Rows of length 1 that point anywhere. */
  const unit = (rows: number, width: number, seed: number) =>
    normalize(Tensor.from(on.device, normals([rows, width], seed), [rows, width]));
  const zero = (size: number) => Tensor.from(on.device, new Float32Array(size), [size]);
  const number = (x: number) => Tensor.from(on.device, [x], []);

  test("MoCo v3's of unrelated queries and keys is .8 ln B + .8 / (2 d T²): 4.475 for 256 pictures of 256", async () => {
    const loss = await contrastiveLoss(unit(256, 256, 1), unit(256, 256, 2), 0.2).item();
    expect(Math.abs(2 * loss - 4.475)).toBeLessThan(0.02); // one of two alike terms
  });

  test.each([
    ["alike", 65_536, 256, true, 10.32, 0.05],
    ["alike", 1024, 128, true, 5.5, 0.1],
    ["unrelated", 1024, 128, false, 7.32, 0.1],
  ])(
    "DINO's of %s bottlenecks, %i prototypes of %i",
    async (_, classes, width, isAlike, expected, within) => {
      const rows = classes > 10_000 ? 4 : 128; // of a view: a row's loss varies by .3 with 1,024
      const [first, second] = [unit(rows, width, 3), unit(rows, width, 6)];
      const student = isAlike ? concat([first, second], 0) : unit(2 * rows, width, 4);
      const anywhere = new Random(5, "test").fillUniform(new Float32Array(classes * width), -1, 1);
      const weights = normalize(Tensor.from(on.device, anywhere, [classes, width]));
      const sharpening = { center: zero(classes), temperature: number(0.04) };
      const { loss } = crossViewLoss(
        { z: student, prototypes: weights },
        { z: concat([second, first], 0), prototypes: weights }, // a view meets the other one of the teacher
        sharpening,
        0.1,
      );
      expect(Math.abs((await loss.item()) - expected)).toBeLessThan(within);
    },
  );

  test("prototypes start in U(±1/√b) and are used with length weight_g, which is 1 and fixed", async () => {
    const head = { hiddenDim: 8, bottleneckDim: 256, prototypes: 64, normLastLayer: true };
    const specs = prototypeHeadSpecs("head", 8, head, timmInit(1));
    const params = new Parameters(on.device, specs);
    const v = (await params.get("head.last_layer.weight_v").read()) as Float32Array;
    expect(Math.max(...v.map(Math.abs))).toBeLessThanOrEqual(0.0625);
    expect(Math.max(...v.map(Math.abs))).toBeGreaterThan(0.06);
    expect(specs.find(({ name }) => name.endsWith("weight_g"))!.trained).toBe(false);
    const lengths = (await prototypesOf(params, "head").read()) as Float32Array;
    for (let k = 0; k < 64; k++) {
      expect(Math.hypot(...lengths.subarray(k * 256, (k + 1) * 256))).toBeCloseTo(1, 5);
    }
  });
});

describe("prototype losses", () => {
  const on = withDevice();
  const tensor = (values: Float32Array, shape: readonly number[]) => Tensor.from(on.device, values, shape);

  test("rows are taken in pieces of at most 32 MiB of logits: 128 of 65,536 prototypes", () => {
    expect(piecesOf(300, 65_536)).toEqual([
      [0, 128],
      [128, 256],
      [256, 300],
    ]);
    expect(piecesOf(3, 2 ** 25)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test("a batch in several pieces has the loss, center and gradient of a float64 loop", async () => {
    const [classes, width, batch, views] = [5, 3, 3, 3];
    const values = {
      student: normals([views * batch, width], 1),
      teacher: normals([2 * batch, width], 2),
      prototypes: normals([classes, width], 3),
      center: normals([classes], 4),
    };
    const prototypes = tensor(values.prototypes, [classes, width]);
    const student = tensor(values.student, [views * batch, width]);
    const teacher = { z: tensor(values.teacher, [2 * batch, width]), prototypes };
    const sharpening = {
      center: tensor(values.center, [classes]),
      temperature: tensor(Float32Array.of(0.5), []),
    };
    const twoRows = 4 * classes * 2;
    const { loss, targets } = crossViewLoss({ z: student, prototypes }, teacher, sharpening, 0.1, twoRows);
    expect(targets.map(({ shape }) => shape[0])).toEqual([2, 2, 1, 1]);

    const logits = (z: Float32Array, row: number) =>
      Array.from({ length: classes }, (_, k) =>
        Array.from(
          { length: width },
          (_, i) => z[row * width + i]! * values.prototypes[k * width + i]!,
        ).reduce((a, b) => a + b),
      );
    const softmax = (x: number[]) => {
      const e = x.map(Math.exp);
      const total = e.reduce((a, b) => a + b);
      return e.map((y) => y / total);
    };
    const gradient = new Float64Array(values.student.length);
    let expected = 0;
    for (let i = 0; i < 2; i++) {
      for (let v = 0; v < views; v++) {
        for (let b = 0; b < batch && v !== i; b++) {
          const row = v * batch + b;
          const t = softmax(
            logits(values.teacher, i * batch + b).map((x, k) => (x - values.center[k]!) / 0.5),
          );
          const s = softmax(logits(values.student, row).map((x) => x / 0.1));
          const share = 1 / batch / (2 * views - 2);
          expected -= share * t.reduce((sum, p, k) => sum + p * Math.log(s[k]!), 0);
          for (let k = 0; k < classes; k++) {
            for (let d = 0; d < width; d++) {
              gradient[row * width + d]! +=
                (share / 0.1) * (s[k]! - t[k]!) * values.prototypes[k * width + d]!;
            }
          }
        }
      }
    }
    expect(Math.abs((await loss.item()) / expected - 1)).toBeLessThan(1e-6);
    const [dz] = grad(loss, [student]);
    expect(relativeError((await dz!.read()) as Float32Array, gradient)).toBeLessThan(1e-6);
    const mean = Array.from(
      { length: classes },
      (_, k) =>
        Array.from({ length: 2 * batch }, (_, row) => logits(values.teacher, row)[k]!).reduce(
          (a, b) => a + b,
        ) /
        (2 * batch),
    );
    expect(relativeError((await meanAnswer(teacher).read()) as Float32Array, mean)).toBeLessThan(1e-6);
  });

  test("a patch of weight 0 adds nothing", async () => {
    const prototypes = tensor(normals([5, 3], 1), [5, 3]);
    const sharpening = {
      center: tensor(normals([5], 2), [5]),
      temperature: tensor(Float32Array.of(0.07), []),
    };
    const of = (z: Float32Array, weights: number[]) => {
      const rows = { z: tensor(z, [weights.length, 3]), prototypes };
      return patchLoss(
        rows,
        rows,
        tensor(Float32Array.from(weights), [weights.length]),
        sharpening,
        0.1,
      ).item();
    };
    const z = normals([4, 3], 3);
    expect(await of(z, [0.5, 0.25, 0, 0])).toBeCloseTo(await of(z.subarray(0, 6), [0.5, 0.25]), 6);
  });
});

describe("what moves", () => {
  test("the teacher's temperature rises by epochs, its momentum by steps, the last layer thaws after its share", () => {
    const config = { warmupTeacherTemperature: 0.04, teacherTemperature: 0.07, teacherWarmup: 0.2 };
    const at = (step: number) => teacherTemperature(config, { step, stepsPerEpoch: 5, totalSteps: 100 });
    expect([0, 4, 5, 14, 15, 99].map(at)).toEqual([0.04, 0.04, 0.05, 0.060000000000000005, 0.07, 0.07]);
    const published = defaultsOf(dinoModule.settings);
    const in20 = (epoch: number) =>
      teacherTemperature(published, { step: 7 * epoch, stepsPerEpoch: 7, totalSteps: 7 * 20 });
    expect([0, 1, 2, 19].map(in20)).toEqual([0.04, 0.05500000000000001, 0.07, 0.07]); // 50 of 400 epochs: 3 of 20
    const method = made(dinoModule, { ...prototypes, momentum: 0.996 });
    const momentum = (step: number) => method.moving["momentum" as never]!.at({ ...moment, step }) as number;
    expect(momentum(0)).toBeCloseTo(0.996, 12);
    expect(momentum(50)).toBeCloseTo(0.998, 12);
    expect(momentum(100)).toBe(1);
    expect(cosineMomentum(0.99, 300)(30)).toBeCloseTo(1 - 0.5 * (1 + Math.cos(Math.PI / 10)) * 0.01, 12);
    expect(freezing({ freezeLastLayer: 3 / 400 })(400 * 312)).toBe(3 * 312);
  });

  test("MoCo's teacher has in front of step t what the official step makes of it between queries and keys: m(t)", () => {
    const method = made(mocoV3Module, { momentum: 0.99 });
    const after = (step: number) => method.moving["momentum" as never]!.at({ ...moment, step }) as number;
    expect(after(29)).toBeCloseTo(1 - 0.5 * (1 + Math.cos((Math.PI * 30) / 100)) * 0.01, 12);
  });

  test.each([false, true])("iBOT hides .1 to .5 of half of the crops, singly %s", (randomMasks) => {
    const encoder = vitConfig("vit_micro_patch4_32"); // 64 patches
    const config: Partial<IbotConfig> = { ...prototypes, randomMasks };
    const method = made(ibotModule, config, { encoder, batchSize: 256 });
    const read = (name: string) => method.moving[name as never]!.at(moment) as ArrayLike<number>;
    const [mask, order, weights] = [read("mask"), read("order"), read("weights")];
    const hidden = Array.from({ length: 512 }, (_, crop) => {
      const own = Array.from({ length: 64 }, (_, i) => mask[crop * 64 + i]!);
      const count = own.reduce((a, b) => a + b);
      for (let i = 0; i < 32; i++) {
        expect(own[order[crop * 64 + i]!]).toBe(i < count ? 1 : 0);
        expect(weights[crop * 32 + i]).toBe(i < count ? Math.fround(1 / (512 * count)) : 0);
      }
      return count;
    });
    const masked = hidden.filter((count) => count > 0);
    expect(Math.abs(masked.length / 512 - 0.5)).toBeLessThan(0.07); // three deviations
    expect(Math.max(...hidden)).toBeLessThanOrEqual(32);
    const mean = masked.reduce((a, b) => a + b) / masked.length / 64;
    expect(Math.abs(mean - 0.3)).toBeLessThan(0.04);
    expect(Math.min(...masked)).toBeLessThan(12);
    expect(Math.max(...masked)).toBeGreaterThan(26);
  });

  test("settings that do not fit are refused in one sentence", () => {
    expect(() => made(dinoModule, { ...prototypes, localSize: 10 })).toThrow(
      "dino: --local-size must be a multiple of the patch size 4; got 10",
    );
    expect(() => made(ibotModule, { ...prototypes, predRatio: 0.1 })).toThrow(
      "ibot: --pred-ratio ± --pred-ratio-var must hide from 1 to below the 16 patches of a crop; got 0.1 ± 0.2. iBOT has 0.3 ± 0.2",
    );
  });
});

describe("large batches", () => {
  const on = withDevice();

  test.each([
    ["DINO", dino],
    ["iBOT", ibot],
  ] as const)(
    "%s with one view a group has the loss and gradients of all of a size together",
    async (_, make) => {
      const config = { ...defaultsOf(ibotModule.settings), ...prototypes, predShare: 1 };
      const sizes = [16, 8].map((size) => creaturePictures(on.device, 8, size).images); // 2 views of 4 pictures each
      const found = await Promise.all(
        [undefined, 1].map(async (groupBytes) => {
          const method: Method = make({ encoder: TINY, batchSize: 4, classes: 0 }, config, groupBytes);
          const views = method.views.map(({ size, count }, group) => {
            const all = sizes[size === 16 ? 0 : 1]!;
            const before = method.views.slice(0, group).filter((view) => view.size === size);
            const from = 4 * before.reduce((sum, view) => sum + view.count, 0);
            return slice(all, 0, from, from + 4 * count);
          });
          const student = networksOf(on.device, method).student!;
          const teacher = networksOf(on.device, method, 2).teacher!; // so that targets are not the student's own answers
          const { loss } = method.record(stepOf(on.device, method, { student, teacher }, views));
          const { tensors, into } = student.trainable();
          grad(loss, tensors, { into });
          const values = await Promise.all(into.map((gradient) => gradient.read()));
          return { groups: views.length, loss: await loss.item(), gradient: values.flatMap((v) => [...v]) };
        }),
      );
      const [together, apart] = found as [(typeof found)[0], (typeof found)[0]];
      expect([together.groups, apart.groups]).toEqual([2, 4]);
      expect(Math.abs(apart.loss / together.loss - 1)).toBeLessThan(1e-6);
      expect(relativeError(Float32Array.from(apart.gradient), together.gradient)).toBeLessThan(1e-5);
      expect(Math.hypot(...together.gradient)).toBeGreaterThan(0.01);
    },
  );

  test("ViT-S/16 with 65,536 prototypes and 2 + 10 crops of 64 pictures fits 128 MiB bindings", () => {
    const encoder = vitConfig("vit_small_patch16_224");
    const planning = Device.planning(on.device);
    const method = made(dinoModule, { localCrops: 10 }, { encoder, batchSize: 64 });
    expect(method.views.map(({ size, count }) => `${count} of ${size}`)).toEqual([
      "1 of 224",
      "1 of 224",
      "5 of 96",
      "5 of 96",
    ]);
    const views = method.views.map(({ size, count }) => Tensor.empty(planning, [count * 64, size, size, 3]));
    const networks = networksOf(planning, method);
    const { commands } = capture(planning, () => {
      const { loss } = method.record(stepOf(planning, method, networks, views));
      const { tensors, into } = networks.student!.trainable();
      grad(loss, tensors, { into });
      return {};
    });
    const sizes = commands.flatMap((command) =>
      command.kind === "dispatch" ? command.bindings.filter(isRange).map(({ bytes }) => bytes) : [],
    );
    expect(sizes.length).toBeGreaterThan(1000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 ** 27);
  });

  test("8 local crops of 96 pixels of 256 pictures are cut into tensors that every adapter binds", () => {
    const encoder = vitConfig("vit_tiny_patch16_224");
    const { views } = made(dinoModule, { localCrops: 8 }, { encoder, batchSize: 256 });
    expect(views.map(({ size, count }) => `${count} of ${size}`)).toEqual([
      "1 of 224",
      "1 of 224",
      "4 of 96",
      "4 of 96",
    ]);
  });
});

describe("signs of collapse", () => {
  const on = withDevice();
  const inHalves = withDevice({ precision: "f16" });

  test("features: how far they spread, and in how many directions", async () => {
    const rows = (values: number[][]) =>
      Tensor.from(on.device, values.flat(), [values.length, values[0]!.length]);
    expect(
      await featureStd(
        rows([
          [1, 2],
          [1, 2],
          [2, 4],
        ]),
      ).item(),
    ).toBeCloseTo(0, 5);
    const axes = [
      [1, 0, 0],
      [-1, 0, 0],
      [0, 1, 0],
      [0, -1, 0],
    ];
    expect(await effectiveRank(rows(axes)).item()).toBeCloseTo(2, 5); // two equal eigenvalues
    expect(await effectiveRank(rows(axes.map(([x, y]) => [x!, 2 * y!, 0, 0, 0, 0]))).item()).toBeCloseTo(
      25 / 17,
      5,
    );
    expect(
      await effectiveRank(
        rows([
          [3, 1],
          [3, 1],
        ]),
      ).item(),
    ).toBe(1);
  });

  test.each([1e-9, 1e-6, 1, 1e9])(
    "the number of directions is the same for features of %d, in either precision",
    async (size) => {
      const values = [1, 0, -1, 0, 0, 2, 0, -2].map((value) => size * value);
      for (const { device } of [on, inHalves]) {
        expect(await effectiveRank(Tensor.from(device, values, [4, 2])).item()).toBeCloseTo(25 / 17, 2);
        const wide = values.flatMap((value, i) => (i % 2 === 0 ? [value] : [value, 0, 0, 0, 0]));
        expect(await effectiveRank(Tensor.from(device, wide, [4, 6])).item()).toBeCloseTo(25 / 17, 2);
      }
    },
  );

  test("targets: entropies of pieces of any length, and the distance of the student", async () => {
    const p = (values: number[], shape: number[]) => Tensor.from(on.device, values, shape);
    const loss = p([2], []);
    const signs = targetSigns([p([0.5, 0.5, 1, 0], [2, 2]), p([0, 1], [1, 2])], loss, p([3, 4], [2]));
    const entropy = Math.log(2) / 3;
    expect(await signs.teacherEntropy.item()).toBeCloseTo(entropy, 5);
    expect(await signs.marginalEntropy.item()).toBeCloseTo(Math.log(2), 5); // (1.5, 1.5) / 3
    expect(await signs.kl.item()).toBeCloseTo(2 - entropy, 5);
    expect(await signs.centerNorm.item()).toBeCloseTo(5, 5);
  });
});

describe("one batch is overfitted", () => {
  const on = withDevice();
  const still = { mixup: 0, cutmix: 0, erasing: 0, dropPath: 0, labelSmoothing: 0 };

  test.each([
    ["MoCo v3", () => made(mocoV3Module, { hiddenDim: 32, dim: 16 }), 0.2],
    ["DINO", () => made(dinoModule, prototypes), 0.1],
    ["iBOT", () => made(ibotModule, { ...prototypes, predShare: 1 }), 1.3],
    ["supervised", () => made(supervisedModule, still), 0.1],
  ])("%s", async (_, make, enough) => {
    const method = make();
    const student = networksOf(on.device, method);
    const [trained] = Object.keys(student);
    // A teacher of another seed, which stays: there is something to learn.
    const networks = { ...networksOf(on.device, method, 2), [trained!]: student[trained!]! };
    const views = method.views.map(({ size, count }) => creaturePictures(on.device, 4 * count, size).images);
    const { labels } = creaturePictures(on.device, 4, 16);
    const classes = Tensor.from(
      on.device,
      ((await labels.read()) as Uint32Array).map((label) => label % 4),
      [4],
      "u32",
    );
    const step = { ...stepOf(on.device, method, networks, views), labels: classes };
    const lossOf = () => method.record(step).loss;
    // A teacher that is not certain leaves the entropy of its answers.
    const { teacherEntropy } = (method.record(step).metrics ?? {}) as Record<string, Tensor>;
    const least = teacherEntropy ? await teacherEntropy.item() : 0;
    const losses = await overfit(student[trained!]!, lossOf, {
      steps: 200,
      lr: 3e-3,
      enough: least + enough,
    });
    expect(losses.at(-1)).toBeLessThan(least + enough);
    expect(losses[0]!).toBeGreaterThan(least + 2 * enough);
  });
});
