import { expect, test } from "vitest";
import { interleave, summarize, timeInTurns } from "../../bench/measure/samples.ts";

test("a summary holds median, minimum and quartiles", () => {
  expect(summarize([5, 1, 3, 2, 4])).toEqual({ median: 3, min: 1, q1: 2, q3: 4, samples: 5 });
  expect(summarize([1, 2])).toEqual({ median: 1.5, min: 1, q1: 1.25, q3: 1.75, samples: 2 });
  expect(() => summarize([])).toThrow("summarize: needs at least one sample; got none");
});

/** Subjects that move a clock of their own, and the order they ran in. */
function clockwork(costs: Record<string, number>) {
  const order: string[] = [];
  let time = 0;
  const subjects = Object.entries(costs).map(([name, cost]) => ({
    name,
    async run() {
      order.push(name);
      await Promise.resolve();
      time += cost;
    },
  }));
  return { subjects, order, now: () => time };
}

test("subjects take turns, each round begins with the next one, and warm-up does not count", async () => {
  const { subjects, order, now } = clockwork({ a: 1, b: 10, c: 100 });
  const times = await interleave(subjects, { warmup: 1, repeats: 2 }, now);
  expect(order.join("")).toBe("abc" + "bca" + "cab");
  expect(Object.fromEntries(times)).toEqual({ a: [1, 1], b: [10, 10], c: [100, 100] });
});

test("two subjects of one name are refused", async () => {
  const run = async () => undefined;
  const twice = [
    { name: "a", run },
    { name: "a", run },
  ];
  await expect(interleave(twice, { warmup: 0, repeats: 1 })).rejects.toThrow("a name of its own");
});

test("times are given for one call of a run that makes several", async () => {
  const run = () => new Promise<void>((done) => setTimeout(done, 20));
  const times = await timeInTurns([{ name: "a", calls: 10, run }], { warmup: 0, repeats: 3 });
  expect(times.get("a")!.samples).toBe(3);
  expect(times.get("a")!.min).toBeGreaterThan(1.5);
  expect(times.get("a")!.min).toBeLessThan(20);
});
