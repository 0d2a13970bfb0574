import metricRingWgsl from "../../shaders/metricRing.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { Tensor } from "../graph/tensor.ts";
import { concat } from "../ops/concat.ts";
import { reshape } from "../ops/reshape.ts";

const CHECK = 0x9e3779b9;
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
  readonly #names: readonly string[];

  constructor(device: Device, names: readonly string[], rows = 64) {
    if (names.length > 64) throw new Error(`MetricRing: at most 64 metrics; got ${names.length}`);
    this.rows = rows;
    this.#names = names;
    const words = rows * (names.length + 1);
    this.#ring = Tensor.from(device, new Uint32Array(words), [words], "u32");
  }

  /** Records the writing of one row. step u32 []; a scalar for each name. */
  record(step: Tensor, metrics: Readonly<Record<string, Tensor>>): void {
    const row = concat(
      this.#names.map((name) => reshape(metrics[name]!, [1])),
      0,
    );
    step.device.run(ringKernel, [words(this.rows, this.#names.length), step, row, this.#ring], 1);
  }

  /**
   * The rows of steps `first` to `end` (exclusive), all submitted by now and at most `rows` ago. Throws if one did not
   * arrive: the GPU dropped the work without an error.
   */
  async read(first: number, end: number): Promise<MetricRow[]> {
    if (end - first > this.rows) {
      throw new Error(`MetricRing.read: the ring holds ${this.rows} steps; got ${first} to ${end}`);
    }
    const words = (await this.#ring.read()) as Uint32Array;
    const floats = new Float32Array(words.buffer);
    const width = this.#names.length + 1;
    return Array.from({ length: end - first }, (_, i) => {
      const step = first + i;
      const start = (step % this.rows) * width;
      if (words[start] !== (step ^ CHECK) >>> 0) {
        throw new Error(
          `step ${step}: the GPU must have written its metrics; it did not, so its work was dropped`,
        );
      }
      return {
        step,
        values: Object.fromEntries(this.#names.map((name, k) => [name, floats[start + 1 + k]!])),
      };
    });
  }
}
