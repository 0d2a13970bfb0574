import { expect, test } from "vitest";
import { IGNORED } from "../../src/data/pixelSet.ts";
import { Random } from "../../src/engine/random.ts";
import { meanAndStd } from "../../src/eval/metrics.ts";
import {
  ConfusionMatrix,
  joinTotals,
  type PixelTotals,
  segmentationScores,
} from "../../src/eval/segmentation/confusion.ts";
import { pixelScores } from "../../src/study/pixelScores.ts";
import { PIXEL_SCORES } from "../../src/study/probes.ts";
import { Resamples } from "../../src/study/resamples.ts";

const CLASSES = 6;

/**
 * Pictures of 30 to 90 labelled pixels, some of them of one class for the most part; class 4 is in a tenth of them and class 5 in
 * none. `right` is how often a pixel is given its class, more or less by picture.
 */
function planted(count: number, right: number, draw: number): PixelTotals[] {
  const random = new Random(draw, "test");
  return Array.from({ length: count }, (_, i) => {
    const own = random.below(4);
    const level = right + 0.2 * random.normal();
    const pixels = 30 + random.below(61);
    const labels = Array.from({ length: pixels }, () => (random.next() < 0.6 ? own : random.below(4)));
    const known = labels.map((label, at) => (i % 10 === 0 && at < 10 ? 4 : label));
    const confusion = new ConfusionMatrix(CLASSES);
    confusion.add(
      [...known, IGNORED],
      [...known.map((label) => (random.next() < level ? label : random.below(5))), 0],
    );
    return confusion.totals();
  });
}

test("the mean over pictures is the score of all their pixels together", () => {
  const pictures = planted(50, 0.6, 1);
  const whole = segmentationScores(joinTotals(pictures));
  const found = pixelScores(pictures);
  for (const name of PIXEL_SCORES) {
    const { score, sums } = found[name];
    expect(score, name).toBeCloseTo(whole[name], 12);
    expect(sums.reduce((sum, value) => sum + value, 0) / 50, name).toBeCloseTo(score, 12);
  }
  const perfect = pixelScores(planted(5, 9, 2));
  for (const name of PIXEL_SCORES) {
    expect(perfect[name].score).toBe(1);
    for (const value of perfect[name].sums) expect(value).toBeCloseTo(1, 12);
  }
});

/** Standard deviation of numbers. */
const spread = (values: readonly number[]): number => meanAndStd(values).std!;

test("drawn again, they spread as the score of the drawn pictures' pixels does; differences, too", () => {
  const COUNT = 200;
  const ROUNDS = 400;
  const [ours, theirs] = [planted(COUNT, 0.65, 3), planted(COUNT, 0.5, 3)];
  const draws = new Resamples(COUNT, { rounds: ROUNDS });
  const items = ours.map(() => 1);
  // One picture's items alone count: how often each was drawn, in every round.
  const times = ours.map((_, at) =>
    draws.scores(
      items.map((_, i) => (i === at ? COUNT : 0)),
      items,
    ),
  );
  const drawn = (pictures: readonly PixelTotals[], round: number) =>
    segmentationScores(
      joinTotals(
        pictures.flatMap((picture, i) => new Array<PixelTotals>(Math.round(times[i]![round]!)).fill(picture)),
      ),
    );
  const rounds = Array.from(
    { length: ROUNDS },
    (_, round) => [drawn(ours, round), drawn(theirs, round)] as const,
  );
  const [a, b] = [pixelScores(ours), pixelScores(theirs)];
  for (const name of PIXEL_SCORES) {
    const expected = spread(rounds.map(([one]) => one[name]));
    const found = spread([...draws.scores(a[name].sums, items)]);
    expect(found / expected, name).toBeGreaterThan(0.97);
    expect(found / expected, name).toBeLessThan(1.03);
    const between = spread(rounds.map(([one, other]) => one[name] - other[name]));
    const difference = a[name].sums.map((value, i) => value - b[name].sums[i]!);
    const paired = spread([...draws.scores(difference, items)]);
    expect(paired / between, name).toBeGreaterThan(0.97);
    expect(paired / between, name).toBeLessThan(1.03);
  }
});
