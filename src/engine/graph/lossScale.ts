import lossScaleWgsl from "../../shaders/lossScale.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { Parameters } from "./parameters.ts";
import type { Tensor } from "./tensor.ts";

/** Scale of the first step, and good steps after which it doubles: torch.amp.GradScaler's. */
const FIRST_SCALE = 2 ** 16;
const GOOD_STEPS = 2000;
/** Bad steps in a row that halt a run: halved as often, the first scale is below 2^-15. */
export const BAD_STEPS = 32;

const scaleKernel = kernel("loss_scale", [lossScaleWgsl], { GOOD_STEPS, BAD_STEPS });

/**
 * What the loss is multiplied by where products round gradients to f16, in which small ones vanish and large ones become
 * infinite (Micikevicius et al. 2018, arXiv:1710.03740): `grad` takes `value` as its seed, `clipGradients` divides by it. A
 * guard that has one skips a bad step alone and goes on at half the scale. All of it happens on the GPU. What differs from
 * GradScaler: the host does not learn of a skipped step, so that schedules and AdamW's t count it.
 */
export class LossScale {
  /** The three numbers under the names that they are saved by: `scale`, `goodSteps`, `badSteps`. */
  readonly kept: Parameters;

  constructor(device: Device) {
    const spec = (name: string, value: number) => ({
      name,
      shape: [],
      trained: false,
      values: Float32Array.of(value),
    });
    const specs = [spec("scale", FIRST_SCALE), spec("goodSteps", 0), spec("badSteps", 0)];
    this.kept = new Parameters(device, specs, { gradients: false });
  }

  /** f32 []: the scale of the next step, a power of two. */
  get value(): Tensor {
    return this.kept.get("scale");
  }

  /** f32 []: bad steps in a row up to the last one, 0 after a good one. */
  get badSteps(): Tensor {
    return this.kept.get("badSteps");
  }

  /** Records the end of a step: `flag` [2] u32 of a guard says whether it was bad, and after it whether the run halts. */
  settle(flag: Tensor): void {
    const numbers = ["scale", "goodSteps", "badSteps"].map((name) => this.kept.get(name));
    flag.device.run(scaleKernel, [flag, ...numbers], 1);
  }

  /** Gives the memory of the numbers back. */
  dispose(): void {
    this.kept.dispose();
  }
}
