// The reference training step in Partwise: forward, backward, AdamW and the loss for the host, in one submit.

import { type CompiledStep, compile, type Outputs } from "../src/engine/capture/compile.ts";
import type { Device } from "../src/engine/gpu/device.ts";
import { BUFFER_USAGE, Storage } from "../src/engine/gpu/memory.ts";
import { grad } from "../src/engine/graph/autograd.ts";
import { Parameters } from "../src/engine/graph/parameters.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { crossEntropy } from "../src/engine/ops/crossEntropy.ts";
import { adamw } from "../src/engine/optim/adamw.ts";
import { StepValues } from "../src/engine/step/stepValues.ts";
import { classify, vit } from "../src/models/vit.ts";
import type { StepRunner } from "./peers/stepRunner.ts";
import { RATES, type StepProblem } from "./stepProblem.ts";

/** A scalar of a captured step on its way to the host: copied within the step's own submit, no buffer is made. */
class Readback {
  readonly #buffer: GPUBuffer;
  readonly #range: { storage: Storage; offset: number; bytes: number };
  readonly #device: Device;

  constructor(device: Device) {
    const { MAP_READ, COPY_DST } = BUFFER_USAGE;
    this.#device = device;
    this.#buffer = device.allocator.create(4, MAP_READ | COPY_DST, "readback");
    this.#range = { storage: new Storage(4, this.#buffer, false), offset: 0, bytes: 4 };
  }

  /** Records the copy. */
  record(scalar: Tensor): void {
    this.#device.copy(scalar, this.#range);
  }

  /** Waits for the latest run and gives its value. */
  async value(): Promise<number> {
    await this.#device.wait(this.#buffer.mapAsync(1)); // GPUMapMode.READ
    const [value] = new Float32Array(this.#buffer.getMappedRange().slice(0));
    this.#buffer.unmap();
    this.#device.check();
    return value!;
  }

  destroy(): void {
    this.#device.allocator.destroy(this.#buffer);
  }
}

/** The captured step and its parts. */
export interface ReferenceStep extends StepRunner {
  readonly compiled: CompiledStep<Outputs>;
  readonly parameters: Parameters;
  /** Encodes and submits a step without waiting for it; `step` does both. */
  submit(): void;
  /** Waits for the latest step and gives its loss. */
  loss(): Promise<number>;
}

/** Captures the step on a device. */
export async function referenceStep(device: Device, problem: StepProblem): Promise<ReferenceStep> {
  const { config } = problem;
  const { lr, beta1, beta2, eps, weightDecay } = RATES;
  const parameters = new Parameters(device, problem.parameters);
  const images = Tensor.from(device, problem.images, [config.batch, config.image, config.image, 3]);
  const labels = Tensor.from(device, problem.labels, [config.batch], "u32");
  const optimizer = adamw(parameters, { beta1, beta2, eps });
  const values = new StepValues(device, { rates: { dtype: "f32", shape: [4] } });
  const factors = Tensor.from(
    device,
    parameters.segments.map(() => 1),
    [parameters.segments.length],
  ); // no clipping
  const readback = new Readback(device);
  const compiled = await compile<Outputs>(device, () => {
    const { tokens } = vit(parameters, problem.vit, images);
    const loss = crossEntropy(classify(parameters, tokens), labels);
    const { tensors, into } = parameters.trainable();
    grad(loss, tensors, { into });
    optimizer.update(values.tensor("rates"), factors);
    readback.record(loss);
    return {};
  });
  let steps = 0;
  const submit = () => {
    values.write({ rates: optimizer.numbers({ step: ++steps, lr, weightDecay }) });
    compiled.run();
  };
  return {
    compiled,
    parameters,
    submit,
    loss: () => readback.value(),
    step() {
      submit();
      return readback.value();
    },
    async gradients() {
      const named = await parameters.read(parameters.gradients!);
      return new Map([...named].map(([name, { values }]) => [name, values]));
    },
    async close() {
      await compiled.dispose();
      readback.destroy();
      parameters.dispose();
      const state = Object.values(optimizer.state).flat();
      for (const tensor of [images, labels, factors, ...state]) tensor.dispose();
      await device.allocator.trim();
    },
  };
}
