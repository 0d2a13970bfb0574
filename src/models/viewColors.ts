// How DINO, iBOT and MoCo v3 change the colours of their views (DINO's DataAugmentationDINO; MoCo v3's main_moco.py): the same
// four changes in the same order, of which a probability of 0 leaves one out.

import type { Augmentation } from "../pictures/augment.ts";
import { colorJitter } from "../pictures/colorJitter.ts";
import { gaussianBlur } from "../pictures/gaussianBlur.ts";
import { grayscale } from "../pictures/grayscale.ts";
import { solarize } from "../pictures/solarize.ts";
import type { Settings } from "./method.ts";
import { addedLater, share } from "./settings.ts";

export interface ViewColors {
  /** Probabilities: of changed colours, of gray, of a blur by view, of a solarized second view. */
  jitterProb: number;
  grayscaleProb: number;
  blurProbs: readonly number[];
  solarizeProb: number;
}

/** Those that came later than both methods; a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
export function viewColorSettings(): Settings<Pick<ViewColors, "jitterProb" | "grayscaleProb">> {
  return {
    jitterProb: addedLater(share("--jitter-prob <p>", "probability of changed colours", 0.8), 0.8),
    grayscaleProb: addedLater(share("--grayscale-prob <p>", "probability of gray", 0.2), 0.2),
  };
}

/** What happens to the views, in order. Each has random numbers of its own stream: the others draw the same without it. */
export const viewColors = ({
  jitterProb,
  grayscaleProb,
  blurProbs,
  solarizeProb,
}: ViewColors): Augmentation[] => [
  ...(jitterProb > 0
    ? [colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, p: jitterProb })]
    : []),
  ...(grayscaleProb > 0 ? [grayscale(grayscaleProb)] : []),
  ...(blurProbs.some((p) => p > 0) ? [gaussianBlur({ p: blurProbs })] : []),
  ...(solarizeProb > 0 ? [solarize([0, solarizeProb, 0])] : []),
];
