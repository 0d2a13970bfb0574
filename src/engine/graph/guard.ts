import guardWgsl from "../../shaders/guard.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { copyOf } from "./fill.ts";
import type { LossScale } from "./lossScale.ts";
import { Tensor } from "./tensor.ts";

const checkKernel = kernel("guard_check", [guardWgsl]);
const countKernel = kernel("guard_count", [guardWgsl]);

/** A loss or gradient that is NaN or infinite. Nothing has moved from that step on: the state is the one before it. */
export class NonFiniteLossError extends Error {
  override name = "NonFiniteLossError";
}

/**
 * What stops a run at its first step that is not finite, on the GPU and at once: from that step on nothing that asks
 * the guard moves. `clipGradients` sets the flag; optimisers ask it by its factors, `ema` and `batchNorm` directly.
 *
 * A step sets and asks it in this order: forward, `grad`, `check` of the loss, `clipGradients`, updates and averages,
 * `settle`. What would move before the flag is known, running statistics and centers, is put off by `later`. Where the
 * loss is scaled, a bad step alone is skipped and counts, since schedules and data go on; many in a row halt the run.
 */
export class Guard {
  /** u32 [2]: 1 if the run has halted, and the steps settled before that. Kernels read the first. */
  readonly state: Tensor;
  /** What the loss is multiplied by; null where it is not. */
  readonly scale: LossScale | null;
  /** Moves that were put off, and the copies made for them. */
  #later: { move: () => void; copies: readonly Tensor[] }[] = [];

  constructor(device: Device, scale: LossScale | null = null) {
    this.scale = scale;
    this.state = Tensor.from(device, [0, 0], [2], "u32");
  }

  /** Records that the run halts if `x` [] is NaN or infinite. */
  check(x: Tensor): void {
    x.device.run(checkKernel, [x, this.state], 1);
  }

  /**
   * Puts the recording of a move off until `settle`, when the step is known to be good or bad. It is given what it `reads` of
   * the step's own tensors, uncaptured as copies: a `tidy` or `recompute` around the op may end before.
   */
  later<Reads extends readonly Tensor[]>(reads: Reads, move: (...reads: Reads) => void): void {
    const { device } = this.state;
    const copies = device.isCapturing ? [] : device.eager.keep(() => reads.map(copyOf));
    const given = device.isCapturing ? reads : (copies as readonly Tensor[] as Reads);
    this.#later.push({ move: () => move(...given), copies });
  }

  /** Records what was put off, in order, and the end of the step: one more that counts, unless the run has halted. */
  settle(): void {
    for (const { move } of this.#later) move();
    this.#forget();
    this.scale?.settle(this.state);
    this.state.device.run(countKernel, [null, this.state], 1);
  }

  /** Waits for the GPU: whether the run has halted, and how many steps moved since the last `restart`. */
  async read(): Promise<{ halted: boolean; steps: number }> {
    const [halted, steps] = (await this.state.read()) as Uint32Array;
    return { halted: halted !== 0, steps: steps! };
  }

  /** Lets everything move again, from a state that was put back; in queue order. What was put off is dropped. */
  restart(): void {
    this.state.write([0, 0]);
    this.#forget();
  }

  /** Gives its memory back, and that of its `scale`. */
  dispose(): void {
    this.state.dispose();
    this.scale?.dispose();
    this.#forget();
  }

  #forget(): void {
    for (const { copies } of this.#later.splice(0)) for (const copy of copies) copy.dispose();
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
