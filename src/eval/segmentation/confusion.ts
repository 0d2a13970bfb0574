import { IGNORED } from "../../data/pixelSet.ts";

/** How well one class was found. A class that never occurs has no scores. */
export interface ClassScore {
  /** Intersection over union, TP / (TP + FP + FN); null where no pixel has or is given the class. */
  iou: number | null;
  /** Share of the class's pixels that are given it; null where it has none. */
  acc: number | null;
  /** Labelled pixels of the class. */
  pixels: number;
}

/** The three figures of semantic segmentation, each in [0, 1]. */
export interface SegmentationScores {
  /** Mean of the classes' IoU, without those that have none. */
  mIoU: number;
  /** Mean of the classes' accuracies, without those that have none. */
  mAcc: number;
  /** Share of all labelled pixels that are given their class. */
  aAcc: number;
  classes: ClassScore[];
}

/** What scores are made of: by class, the labelled pixels of it, those that are given it, and those of which both is true. */
export interface PixelTotals {
  labelled: Float64Array;
  predicted: Float64Array;
  right: Float64Array;
}

/** The pixels of several pictures together, each with its totals over the same classes. */
export const joinTotals = (pictures: readonly PixelTotals[]): PixelTotals =>
  pictures.reduce((all, one) => ({
    labelled: all.labelled.map((count, c) => count + one.labelled[c]!),
    predicted: all.predicted.map((count, c) => count + one.predicted[c]!),
    right: all.right.map((count, c) => count + one.right[c]!),
  }));

/** The scores of some pixels. Throws where none is labelled. */
export function segmentationScores({ labelled, predicted, right }: PixelTotals): SegmentationScores {
  const total = sumOf(labelled);
  if (total === 0) {
    throw new Error("segmentationScores: some pixel must be labelled; got none. Is every label ignored?");
  }
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
  const classes = Array.from(labelled, (pixels, c) => ({
    iou: share(right[c]!, pixels + predicted[c]! - right[c]!),
    acc: share(right[c]!, pixels),
    pixels,
  }));
  const meanOf = (key: "iou" | "acc"): number => {
    const known = classes.flatMap((score) => score[key] ?? []);
    return sumOf(known) / known.length;
  };
  return { mIoU: meanOf("iou"), mAcc: meanOf("acc"), aAcc: sumOf(right) / total, classes };
}

/**
 * Pixels of a whole set by label and prediction. Those whose label is IGNORED are removed before anything is counted, so a
 * union has none of them (mmseg's `intersect_and_union`).
 */
export class ConfusionMatrix {
  readonly classes: number;
  /** [classes, classes]: pixels by label (row) and prediction (column); whole numbers. */
  readonly counts: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  /** Counts pixels: their labels, and as many predictions. */
  add(labels: ArrayLike<number>, predicted: ArrayLike<number>): void {
    const { classes, counts } = this;
    if (labels.length !== predicted.length) {
      throw new Error(
        `ConfusionMatrix: every label needs a prediction; got ${labels.length} and ${predicted.length}`,
      );
    }
    for (let i = 0; i < labels.length; i++) {
      const [label, given] = [labels[i]!, predicted[i]!];
      if (label === IGNORED) continue;
      if (!(label < classes && given < classes)) {
        throw new Error(
          `ConfusionMatrix: labels and predictions must be below ${classes}; got ${label} and ${given}`,
        );
      }
      counts[label * classes + given]!++;
    }
  }

  /** What was counted, class by class. */
  totals(): PixelTotals {
    const { classes, counts } = this;
    const labelled = new Float64Array(classes);
    const predicted = new Float64Array(classes);
    counts.forEach((count, at) => {
      labelled[Math.floor(at / classes)]! += count;
      predicted[at % classes]! += count;
    });
    const right = Float64Array.from(labelled, (_, c) => counts[c * classes + c]!);
    return { labelled, predicted, right };
  }

  /** The scores of what was counted. Throws where no pixel was. */
  scores(): SegmentationScores {
    return segmentationScores(this.totals());
  }
}

const sumOf = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0);
