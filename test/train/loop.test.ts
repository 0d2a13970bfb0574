import { describe, expect, test } from "vitest";
import { type LoopOptions, type ProgressRow, train } from "../../src/train/loop.ts";
import { withDevice } from "../withDevice.ts";
import { tinyTrainer } from "./tinyRun.ts";

const on = withDevice();
const [STEPS, TICK] = [7, 40];

/** Runs a tiny trainer with a clock that a look moves by 40 ms: what happened, in order. */
async function happening(options: Partial<LoopOptions> = {}) {
  const trainer = await tinyTrainer(on.device);
  const events: string[] = [];
  const rows: ProgressRow[] = [];
  let time = 1000;
  const { stopped } = await train(trainer, {
    now() {
      time += TICK;
      return time;
    },
    onProgress(row) {
      rows.push(row);
      events.push(`row ${row.step}`);
    },
    async save() {
      events.push(`save ${await trainer.updates()}`);
    },
    ...options,
  });
  return { trainer, events, rows, stopped };
}

const rowsTo = (first: number, end: number): string[] =>
  Array.from({ length: end - first }, (_, i) => `row ${first + i}`);

describe("train", () => {
  test("reports every step in order, with its epoch and the rate it was made at", async () => {
    const { trainer, rows, stopped } = await happening();
    expect(rows.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 0, 0, 1, 1, 1, 2]);
    const rate = (share: number) => (1 * 2 * 0.5 * (1 + Math.cos(Math.PI * share))) / 256;
    const rates = [0, 1 / 256, rate(0), rate(0.2), rate(0.4), rate(0.6), rate(0.8)];
    for (const [step, { lr }] of rows.entries()) expect(lr).toBeCloseTo(rates[step]!, 12);
    expect(rows.every(({ loss, gradNorm }) => loss > 0 && gradNorm > 0 && loss !== gradNorm)).toBe(true);
    expect([stopped, trainer.step]).toEqual([false, STEPS]);
  });

  test("tells the speed since its first step, and the time to the last", async () => {
    const { rows } = await happening();
    expect(rows[0]).toMatchObject({ imagesPerSecond: 0, secondsLeft: 0 });
    for (const { step, imagesPerSecond, secondsLeft } of rows.slice(1)) {
      expect(imagesPerSecond).toBeCloseTo(2 / (TICK / 1000), 9);
      expect(secondsLeft).toBeCloseTo(((STEPS - 1 - step) * TICK) / 1000, 9);
    }
  });

  test("saves after every so many steps, each reported before, and once at the end", async () => {
    expect((await happening({ saveEvery: 3 })).events).toEqual([
      ...[...rowsTo(0, 3), "save 3"],
      ...[...rowsTo(3, 6), "save 6"],
      ...[...rowsTo(6, 7), "save 7"],
    ]);
    expect((await happening({ saveEvery: 7 })).events).toEqual([...rowsTo(0, 7), "save 7"]);
    expect((await happening()).events).toEqual([...rowsTo(0, 7), "save 7"]);
  });

  test("measures the state after every so many steps and after the last, into the metrics of that step", async () => {
    const { trainer, rows } = await happening({ measureEvery: 3, measure: async () => ({ seen: 1 }) });
    expect(rows.map(({ metrics }) => metrics)).toEqual([
      {},
      {},
      { seen: 1 },
      {},
      {},
      { seen: 1 },
      { seen: 1 },
    ]);
    expect(trainer.step).toBe(STEPS);
    const updates: number[] = [];
    const measured = await tinyTrainer(on.device);
    await train(measured, {
      now: () => 0,
      onProgress: () => undefined,
      measureEvery: 2,
      async measure() {
        updates.push(await measured.updates());
        return {};
      },
    });
    expect(updates).toEqual([2, 4, 6, 7]);
  });

  test("stops when it is asked to, with all reported and one save", async () => {
    let asked = 0;
    const { events, stopped } = await happening({ saveEvery: 4, shouldStop: () => ++asked === 4 });
    expect(stopped).toBe(true);
    expect(events).toEqual([...rowsTo(0, 4), "save 4"]);
  });

  test("refuses a gradient that is not finite, whatever the loss is", async () => {
    const trainer = await tinyTrainer(on.device);
    const weight = trainer.trained.get("decoder_pred.weight");
    weight.write((await weight.read()).map(() => 1e17)); // losses of 1e35 and gradients whose squares are none
    const running = train(trainer, { now: () => 0, onProgress: () => undefined });
    await expect(running).rejects.toThrow(
      /^step 0: .*; got loss \d.* and gradient norm (Infinity|NaN)\. Lower/,
    );
  });

  test("lets the runtime in after every step", async () => {
    let pauses = 0;
    await happening({
      pause: async () => {
        pauses++;
      },
    });
    expect(pauses).toBe(STEPS);
  });
});
