/** The scores of segmentation, picture by picture. */
import { joinTotals, type PixelTotals } from "../eval/segmentation/confusion.ts";
import { PIXEL_SCORES, type PixelScore } from "./probes.ts";

/** A ratio of pixels by class, q = n / d, of some pictures or of one: IoU is right pixels by those of the union. */
interface Ratio {
  n: Float64Array;
  d: Float64Array;
}

const RATIOS: Record<PixelScore, (totals: PixelTotals) => Ratio> = {
  mIoU: ({ labelled, predicted, right }) => ({
    n: right,
    d: labelled.map((count, c) => count + predicted[c]! - right[c]!),
  }),
  mAcc: ({ labelled, right }) => ({ n: right, d: labelled }),
  aAcc: ({ labelled, right }) => ({ n: all(right), d: all(labelled) }),
};

const all = (counts: Float64Array): Float64Array => Float64Array.of(counts.reduce((sum, n) => sum + n, 0));

/**
 * Each score of some pictures, and what each picture adds to it, [P], whose mean is the score.
 *
 * A score of segmentation is of all pixels together: the mean over the C classes that occur of q = N / D, with n and d summed over
 * pictures. What is drawn again is therefore a picture with its n and d of every class, as resampling asks; but for the terms of
 * second order the score moves then as the mean of
 *
 *     v = score + P / C Σ (n - q d) / D
 *
 * of the drawn pictures does (the infinitesimal jackknife: Jaeckel 1972; Efron 1982, 6). A v stands for its picture wherever a
 * study takes sums of pictures, in differences that are paired by picture and over seeds, too; it is no score of that picture alone and may lie
 * outside of [0, 1].
 */
export function pixelScores(
  pictures: readonly PixelTotals[],
): Record<PixelScore, { score: number; sums: number[] }> {
  const whole = joinTotals(pictures);
  const scoreOf = (name: PixelScore) => {
    const { n: N, d: D } = RATIOS[name](whole);
    const known = [...D.keys()].filter((c) => D[c]! > 0);
    const over = (value: (c: number) => number) => known.reduce((sum, c) => sum + value(c), 0) / known.length;
    const score = over((c) => N[c]! / D[c]!);
    const sums = pictures.map((picture) => {
      const { n, d } = RATIOS[name](picture);
      return score + pictures.length * over((c) => (n[c]! - (N[c]! / D[c]!) * d[c]!) / D[c]!);
    });
    return { score, sums };
  };
  return Object.fromEntries(PIXEL_SCORES.map((name) => [name, scoreOf(name)])) as ReturnType<
    typeof pixelScores
  >;
}
