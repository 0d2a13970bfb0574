import metricRingWgsl from "../../shaders/metricRing.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { Tensor } from "../graph/tensor.ts";
import { concat } from "../ops/concat.ts";
import { reshape } from "../ops/reshape.ts";

const CHECK = 0x9e3779b9;
/** Words of a row in front of its metrics: the step and the check word. */
const HEAD = 2;
const ringKernel = kernel("metric_ring", [metricRingWgsl]);

/** The metrics of one step. */
export interface MetricRow {
  step: number;
  values: Record<string, number>;
}

/**
 * Scalars of the latest steps, kept on the GPU until somebody asks: a training loop reads a few steps late and never
 * waits for the step it has just submitted.
 */
export class MetricRing {
  readonly rows: number;
  readonly #ring: Tensor;
  /** u32 []: how often the run was put back. A row carries it. */
  readonly #restarts: Tensor;
  #restartCount = 0;
  readonly #names: readonly string[];

  constructor(device: Device, names: readonly string[], rows = 64) {
    if (names.length > 64) throw new Error(`MetricRing: at most 64 metrics; got ${names.length}`);
    this.rows = rows;
    this.#names = names;
    const words = rows * (names.length + HEAD);
    this.#ring = Tensor.from(device, new Uint32Array(words), [words], "u32");
    this.#restarts = Tensor.from(device, [0], [], "u32");
  }

  /** Records the writing of one row. step u32 []; a scalar for each name. */
  record(step: Tensor, metrics: Readonly<Record<string, Tensor>>): void {
    const row = concat(
      this.#names.map((name) => reshape(metrics[name]!, [1])),
      0,
    );
    const size = words(this.rows, this.#names.length);
    step.device.run(ringKernel, [size, step, this.#restarts, row, this.#ring], 1);
  }

  /** Says that the run was put back to an earlier state: rows written so far are no longer its own. In queue order. */
  restart(): void {
    this.#restarts.write([++this.#restartCount]);
  }

  /** Gives the memory of all rows back. */
  dispose(): void {
    this.#ring.dispose();
    this.#restarts.dispose();
  }

  /**
   * The rows of steps `first` to `end` (exclusive), all submitted by now, since the last `restart` and at most `rows`
   * ago. Throws if one did not arrive: the GPU dropped the work without an error.
   */
  async read(first: number, end: number): Promise<MetricRow[]> {
    if (end - first > this.rows) {
      throw new Error(`MetricRing.read: the ring holds ${this.rows} steps; got ${first} to ${end}`);
    }
    const check = (this.#restartCount ^ CHECK) >>> 0;
    const words = (await this.#ring.read()) as Uint32Array;
    const floats = new Float32Array(words.buffer);
    const width = this.#names.length + HEAD;
    return Array.from({ length: end - first }, (_, i) => {
      const step = first + i;
      const start = (step % this.rows) * width;
      if (words[start] !== step || words[start + 1] !== check) {
        throw new Error(
          `step ${step}: the GPU must have written its metrics; it did not, so its work was dropped`,
        );
      }
      return {
        step,
        values: Object.fromEntries(this.#names.map((name, k) => [name, floats[start + HEAD + k]!])),
      };
    });
  }
}
