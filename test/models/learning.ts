import { creatures } from "../../src/data/creatures/creatures.ts";
import { compile } from "../../src/engine/capture/compile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipGradients } from "../../src/engine/optim/clip.ts";
import { StepValues } from "../../src/engine/step/stepValues.ts";
import type { Method, Moving, Step } from "../../src/models/method.ts";

/** The first `count` drawn creatures, [count, size, size, 3] with values in [-2, 2], and their labels. */
export function creaturePictures(device: Device, count: number, size: number) {
  const { pixels, labels } = creatures({ count, size, seed: 1 });
  const values = Float32Array.from(pixels, (value) => (value - 127.5) / 64);
  return {
    images: Tensor.from(device, values, [count, size, size, 3]),
    labels: Tensor.from(device, Uint32Array.from(labels), [count], "u32"),
  };
}

/** A method's networks with their first values. */
export const networksOf = (device: Device, method: Method, seed = 1): Record<string, Parameters> =>
  Object.fromEntries(
    Object.entries(method.networks(seed)).map(([name, specs]) => [name, new Parameters(device, specs)]),
  );

/** What a method finds at step 0 of a run, without a trainer: nothing is updated. */
export function stepOf(
  device: Device,
  method: Method,
  networks: Record<string, Parameters>,
  views: readonly Tensor[],
): Step {
  const moment = { seed: 1, step: 0, epoch: 0, stepsPerEpoch: 1, totalSteps: 10 };
  const values = new Map(
    Object.entries<Moving>(method.moving).map(([name, { dtype, shape = [], at }]) => {
      const value = at(moment);
      return [
        name,
        Tensor.from(device, typeof value === "number" ? [value] : Array.from(value), shape, dtype),
      ];
    }),
  );
  const step = Tensor.from(device, [0], [], "u32");
  return {
    networks,
    views,
    labels: Tensor.from(device, new Uint32Array(views[0]!.shape[0]!), [views[0]!.shape[0]!], "u32"),
    guard: new Guard(device),
    value: (name) => values.get(name)!,
    training: (pass) => ({ seed: 1, step, pass }),
    beforeUpdate: () => {},
    afterUpdate: () => {},
  };
}

/** Takes up to `steps` captured AdamW steps on a loss that does not change; the losses before each, until `enough`. */
export async function overfit(
  params: Parameters,
  lossOf: () => Tensor,
  { steps, lr, enough }: { steps: number; lr: number; enough: number },
): Promise<number[]> {
  const { device } = params;
  const optimizer = adamw(params);
  const guard = new Guard(device);
  const values = new StepValues(device, { numbers: { dtype: "f32", shape: [4] } });
  const step = await compile(device, () => {
    const loss = lossOf();
    const { tensors, into } = params.trainable();
    grad(loss, tensors, { into });
    optimizer.update(values.tensor("numbers"), clipGradients(params, guard).factors);
    return { loss };
  });
  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    values.write({ numbers: optimizer.numbers({ step: i, lr, weightDecay: 0 }) });
    losses.push(await step.run().loss.item());
    if (losses.at(-1)! < enough) break;
  }
  await step.dispose();
  return losses;
}
