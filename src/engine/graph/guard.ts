import guardWgsl from "../../shaders/guard.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { Parameters } from "./parameters.ts";
import { Tensor } from "./tensor.ts";

/** Bad steps in a row that halt a run whose loss is scaled; halved as often, the first scale is below 1e-5. */
const MOST_BAD = 32;
/** Good steps after which the scale doubles, and the scale of the first step: torch.cuda.amp.GradScaler's. */
const GOOD_STEPS = 2000;
const FIRST_SCALE = 65_536;

const constants = { MOST: MOST_BAD, GOOD: GOOD_STEPS };
const checkKernel = kernel("guard_check", [guardWgsl], constants);
const countKernel = kernel("guard_count", [guardWgsl], constants);
const scaleKernel = kernel("guard_scale", [guardWgsl], constants);

/**
 * What stops a run at its first step that is not finite, on the GPU and at once: from that step on nothing that asks
 * the guard moves. `clipGradients` sets the flag; optimisers ask it by its factors, `ema` and `batchNorm` directly.
 *
 * A step sets and asks it in this order: forward, `grad`, `check` of the loss, `clipGradients`, updates and averages,
 * `settle`. With `scaled`, for products in f16, whose gradients may overflow or vanish, the loss is multiplied by a scale
 * on its way into `grad` and `clipGradients` divides by it; a bad step is then skipped alone and halves the scale, and only
 * many in a row halt. Skipped steps count: schedules and data go on. What would move before the flag is known, running statistics and centers, is put off by `later`.
 */
export class Guard {
  /** u32 [2]: 1 if the run has halted, and the steps settled before that. Kernels read the first. */
  readonly state: Tensor;
  /** f32 [3] of a scaled loss: its scale, good steps since that changed, bad steps in a row. To be saved with a run. */
  readonly scaling: Tensor | null;
  /** The same under the name by which it is saved; null where the loss is not scaled. */
  readonly saved: Parameters | null;
  #later: (() => void)[] = [];

  constructor(device: Device, { scaled = false }: { scaled?: boolean } = {}) {
    this.state = Tensor.from(device, [0, 0], [2], "u32");
    const values = Float32Array.of(FIRST_SCALE, 0, 0);
    const specs = [{ name: "scaling", shape: [3], trained: false, values }];
    this.saved = scaled ? new Parameters(device, specs, { gradients: false }) : null;
    this.scaling = this.saved?.get("scaling") ?? null;
  }

  /** [] f32, what the loss is multiplied by before `grad`; null where it is not. */
  get scale(): Tensor | null {
    return this.scaling?.alias([]) ?? null;
  }

  /** Records that the run halts if `x` [] is NaN or infinite. */
  check(x: Tensor): void {
    x.device.run(checkKernel, [x, this.state], 1);
  }

  /** Puts the recording of a move off until `settle`, when the step is known to be good or bad. */
  later(move: () => void): void {
    this.#later.push(move);
  }

  /** Records what was put off, in order, and the end of the step: one more that counts, unless the run has halted. */
  settle(): void {
    for (const move of this.#later.splice(0)) move();
    const { state, scaling } = this;
    if (scaling) state.device.run(scaleKernel, [scaling, state], 1);
    else state.device.run(countKernel, [null, state], 1);
  }

  /** Waits for the GPU: whether the run has halted, and how many steps moved since the last `restart`. */
  async read(): Promise<{ halted: boolean; steps: number }> {
    const [halted, steps] = (await this.state.read()) as Uint32Array;
    return { halted: halted !== 0, steps: steps! };
  }

  /** Lets everything move again, from a state that was put back; in queue order. */
  restart(): void {
    this.state.write([0, 0]);
  }
}

const idle = new WeakMap<Device, Guard>();

/** The flag of a guard; one that is never set where there is none. */
export function flagOf(device: Device, guard: Guard | undefined): Tensor {
  if (guard) return guard.state;
  let never = idle.get(device);
  if (!never) {
    never = device.eager.keep(() => new Guard(device));
    idle.set(device, never);
  }
  return never.state;
}
