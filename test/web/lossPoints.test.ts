import { expect, test } from "vitest";
import { LossPoints } from "../../web/lossPoints.ts";

test("few losses stay as they are, beside their running mean: a plain one at first", () => {
  const losses = new LossPoints();
  expect([losses.first, losses.smooth, losses.points]).toEqual([undefined, undefined, []]);
  for (const [step, value] of [4, 2, 3].entries()) losses.add(step, value);
  expect(losses.points).toEqual([
    { step: 0, value: 4, smooth: 4, steps: 1 },
    { step: 1, value: 2, smooth: 3, steps: 1 },
    { step: 2, value: 3, smooth: expect.closeTo(3, 12), steps: 1 },
  ]);
  for (let step = 3; step < 8; step++) losses.add(step, 3);
  const before = losses.smooth!;
  losses.add(8, 13);
  expect(losses.smooth).toBeCloseTo(0.8 * before + 0.2 * 13, 12);
});

test("of many losses neighbours become one, and the points stay few and true", () => {
  const losses = new LossPoints();
  const count = 100_003;
  let most = 0;
  for (let step = 0; step < count; step++) {
    losses.add(step, step);
    most = Math.max(most, losses.points.length);
  }
  expect(most).toBe(1200);
  expect([losses.count, losses.first]).toEqual([count, 0]);
  expect(losses.points.length).toBeGreaterThan(600);
  expect(losses.points.reduce((sum, { steps }) => sum + steps, 0)).toBe(count);
  let first = 0;
  for (const { step, value, smooth, steps } of losses.points) {
    expect(step).toBe(first + (steps - 1) / 2); // the middle of its steps, which are those after the point before
    expect(value).toBe(step);
    if (first > 100) expect(smooth).toBeCloseTo(step - 4, 6); // .8 / (1 - .8) steps behind
    first += steps;
  }
});
