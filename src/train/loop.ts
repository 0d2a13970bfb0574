import { NonFiniteLossError } from "../engine/graph/guard.ts";
import { BAD_STEPS } from "../engine/graph/lossScale.ts";
import type { MetricRow } from "../engine/step/metricRing.ts";
import { collapseWatch } from "../models/collapseWarning.ts";
import type { Trainer } from "./trainer.ts";

/** One line of `metrics.jsonl`, where the metrics stand beside the loss. */
export interface ProgressRow {
  step: number;
  epoch: number;
  loss: number;
  gradNorm: number;
  lr: number;
  /** What the method logs besides, by its names. */
  metrics: Readonly<Record<string, number>>;
  /** Since the loop began, the first step left out; what is saved and measured between steps takes its time, too. */
  imagesPerSecond: number;
  /** Estimated time to the last step. */
  secondsLeft: number;
}

export interface LoopOptions {
  /** Milliseconds of a clock that only moves forward. */
  now: () => number;
  /** Every step's metrics, in order, a little late. */
  onProgress: (row: ProgressRow) => void | Promise<void>;
  /** Told in one sentence, once, when the metrics show that the network has come to answer every picture alike. */
  onWarning?: (sentence: string) => void;
  /** Saves a checkpoint of the state after the steps so far. */
  save?: () => Promise<void>;
  saveEvery?: number;
  /**
   * Measures the state after every `measureEvery` steps and after the last, while no step runs: what it finds joins the
   * metrics of the step just made.
   */
  measure?: () => Promise<Readonly<Record<string, number>>>;
  measureEvery?: number;
  /** Asked after each step; true ends the loop with a save. */
  shouldStop?: () => boolean;
  /** Lets the runtime handle events (signals, messages) between steps. */
  pause?: () => Promise<void>;
}

/** Metrics are read about this often; between two reads the loop does not wait. */
const READ_EVERY_MS = 250;

/**
 * Runs a trainer to its last step. Metrics are read a few steps late, so the GPU always has work; at most `2 * stride`
 * steps are in flight. Throws `NonFiniteLossError` at the first step whose loss or gradient is not finite, in f16 at the
 * last of many in a row: the others are skipped, and their rows tell it.
 */
export async function train(trainer: Trainer, options: LoopOptions): Promise<{ stopped: boolean }> {
  const { now, onProgress, onWarning, save, saveEvery, shouldStop = () => false, pause } = options;
  const { measure, measureEvery = Number.POSITIVE_INFINITY } = options;
  const { totalSteps } = trainer.settings;
  const timing = new Timing(trainer, now);
  const warningOf = collapseWatch();
  await trainer.prepare();
  let seen = trainer.step;
  let stride = 1;
  const isMeasured = (steps: number) => measure && (steps % measureEvery === 0 || steps === totalSteps);
  let pending: { end: number; rows: Promise<MetricRow[]> } | null = null;

  const collect = async (): Promise<void> => {
    if (!pending) return;
    const { end, rows } = pending;
    pending = null;
    for (const row of await rows) {
      const checked = checkedRow(trainer, row, timing);
      // Such a row is read as soon as its step is submitted, so the state is the one after it.
      const found = isMeasured(row.step + 1) ? await measure!() : {};
      await onProgress({ ...checked, metrics: { ...checked.metrics, ...found } });
      const warning = warningOf(row);
      if (warning) onWarning?.(warning);
    }
    seen = end;
    stride = timing.stride(trainer.ring.rows, end);
  };
  const request = (): void => {
    const rows = trainer.ring.read(seen, trainer.step);
    rows.catch(() => undefined); // `collect` reports it; until then nobody waits, which must not end the process
    pending = { end: trainer.step, rows };
  };
  const drain = async (): Promise<void> => {
    await collect();
    if (seen < trainer.step) {
      request();
      await collect();
    }
  };

  let stopped = false;
  while (trainer.step < totalSteps && !stopped) {
    trainer.run();
    await pause?.();
    stopped = shouldStop();
    if (isMeasured(trainer.step)) await drain();
    const inFlight: number = pending ? trainer.step - (pending as { end: number }).end : trainer.step - seen;
    if (inFlight >= stride) {
      await collect();
      request();
    }
    if (save && saveEvery && trainer.step % saveEvery === 0 && trainer.step < totalSteps && !stopped) {
      await drain();
      await save();
    }
  }
  await drain();
  await save?.();
  return { stopped };
}

/** The step's row for the log; refuses what is not finite, unless the step was skipped to go on with a smaller loss scale. */
function checkedRow(trainer: Trainer, { step, values }: MetricRow, timing: Timing): ProgressRow {
  const { loss, gradNorm, ...metrics } = values as { loss: number; gradNorm: number };
  const { skipped = 0 } = metrics as Partial<typeof values>;
  const isSkipped = skipped > 0 && skipped < BAD_STEPS;
  if (!isSkipped && !(Number.isFinite(loss) && Number.isFinite(gradNorm))) {
    const often = skipped > 0 ? `, ${skipped} steps in a row` : "";
    throw new NonFiniteLossError(
      `step ${step}: loss and gradients must be finite; got loss ${loss} and gradient norm ${gradNorm}${often}. ` +
        "Lower the learning rate or use a longer warm-up",
    );
  }
  const { epoch } = trainer.batches.position(step);
  return { step, epoch, loss, gradNorm, lr: trainer.rateAt(step), metrics, ...timing.at(step) };
}

/** Speed and time left. The first step after a start is not counted: it warms up the driver. */
class Timing {
  readonly #trainer: Trainer;
  readonly #now: () => number;
  #first: { step: number; time: number } | null = null;
  #perStep = 0;

  constructor(trainer: Trainer, now: () => number) {
    this.#trainer = trainer;
    this.#now = now;
  }

  at(step: number): { imagesPerSecond: number; secondsLeft: number } {
    const time = this.#now();
    this.#first ??= { step, time };
    const steps = step - this.#first.step;
    this.#perStep = steps > 0 ? (time - this.#first.time) / steps : 0;
    const { batchSize, totalSteps } = this.#trainer.settings;
    const imagesPerSecond = this.#perStep > 0 ? (1000 * batchSize) / this.#perStep : 0;
    return { imagesPerSecond, secondsLeft: ((totalSteps - 1 - step) * this.#perStep) / 1000 };
  }

  /** Steps between two reads of the metrics. */
  stride(rows: number, end: number): number {
    if (this.#perStep === 0) return end === 0 ? 1 : 2;
    return Math.max(1, Math.min(Math.floor(rows / 4), Math.round(READ_EVERY_MS / this.#perStep)));
  }
}
