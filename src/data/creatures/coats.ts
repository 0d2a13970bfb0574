/** The coats of the coat set: two of five hues and a pattern. */

import type { Colour, Paint } from "./paint.ts";
import { between, type Uniform } from "./random.ts";

/** What a class wears, as one individual has it. */
export interface Coat {
  base: Colour;
  accent: Colour;
  pattern: Paint["pattern"];
}

/** Names of the coats of a body plan, by their base hue. */
export const COATS = ["red", "ochre", "green", "blue", "violet"] as const;

const HUES: readonly Colour[] = [
  [190, 75, 65],
  [195, 160, 70],
  [85, 160, 90],
  [70, 115, 190],
  [150, 85, 170],
];
const PATTERNS = ["plain", "stripes", "spots", "checks"] as const;

/** How far a channel of an individual's colour may lie from its class's hue, and all channels together. */
const JITTER = 45;
const BRIGHTNESS = 40;

/**
 * A coat by base hue (index in COATS) and body plan. Every hue is the base of one class of each plan and the accent of
 * another, so that one colour alone names no class: it takes both and the pattern.
 */
export function sampleCoat(hue: number, plan: number, random: Uniform): Coat {
  const light = between(random, -BRIGHTNESS, BRIGHTNESS);
  return {
    base: near(HUES[hue]!, light, random),
    accent: near(HUES[(hue + 1 + plan) % HUES.length]!, light, random),
    pattern: PATTERNS[(hue + plan) % PATTERNS.length]!,
  };
}

const near = (hue: Colour, light: number, random: Uniform): Colour => {
  const channel = (x: number) => Math.max(12, Math.min(243, x + light + between(random, -JITTER, JITTER)));
  return [channel(hue[0]), channel(hue[1]), channel(hue[2])];
};
