import { below, between, pick, type Uniform } from "./random.ts";

/** Red, green, blue in 0..255. */
export type Colour = readonly [number, number, number];

/** What a surface looks like: two colours and how they alternate in the shape's own coordinates. */
export interface Paint {
  base: Colour;
  second: Colour;
  pattern: "plain" | "stripes" | "spots" | "checks";
  /** Periods per unit of length. */
  frequency: number;
  /** Direction of the pattern, a vector of about length 1. */
  along: readonly [number, number];
}

/** A colour uniform in the RGB cube, away from pure black and white. */
export const anyColour = (random: Uniform): Colour => [
  between(random, 12, 243),
  between(random, 12, 243),
  between(random, 12, 243),
];

/** Brightness as the eye weighs it (Rec. 601), 0..255. */
export const luminance = ([r, g, b]: Colour): number => 0.299 * r + 0.587 * g + 0.114 * b;

/** A colour nearer to gray and to the middle of the scale. */
export function mute(
  colour: Colour,
  { saturation, contrast }: { saturation: number; contrast: number },
): Colour {
  const light = luminance(colour);
  const channel = (x: number) => 128 + contrast * (light + saturation * (x - light) - 128);
  return [channel(colour[0]), channel(colour[1]), channel(colour[2])];
}

/** The most distant of a few random colours from all of `others`: distinct enough to see, of any hue. */
export function contrasting(random: Uniform, others: readonly Colour[]): Colour {
  let best: Colour = [0, 0, 0];
  let bestDistance = -1;
  for (let i = 0; i < 4; i++) {
    const colour = anyColour(random);
    const distance = Math.min(...others.map((other) => squaredDistance(colour, other)));
    if (distance > bestDistance) {
      best = colour;
      bestDistance = distance;
    }
  }
  return best;
}

/** Brightness counts most, as edges are seen by it. */
function squaredDistance(p: Colour, q: Colour): number {
  const light = luminance(p) - luminance(q);
  const red = p[0] - q[0];
  const blue = p[2] - q[2];
  return 4 * light * light + red * red + blue * blue;
}

/** A paint around `base`: often plain, otherwise patterned with a second colour of its own. */
export function anyPaint(random: Uniform, base: Colour): Paint {
  const shift = between(random, -70, 70);
  const other = anyColour(random);
  const second: Colour = [
    clamp(0.6 * (base[0] + shift) + 0.4 * other[0]),
    clamp(0.6 * (base[1] + shift) + 0.4 * other[1]),
    clamp(0.6 * (base[2] + shift) + 0.4 * other[2]),
  ];
  const x = between(random, -1, 1);
  const y = (below(random, 2) * 2 - 1) * Math.sqrt(1 - x * x);
  return {
    base,
    second,
    pattern: pick(random, ["plain", "plain", "stripes", "spots", "checks"]),
    frequency: between(random, 3, 6),
    along: [x, y],
  };
}

/** Whether the second colour shows at (x, y). */
export function showsSecond({ pattern, frequency, along }: Paint, x: number, y: number): boolean {
  if (pattern === "plain") return false;
  const u = (x * along[0] + y * along[1]) * frequency;
  const s = u - Math.floor(u);
  if (pattern === "stripes") return s < 0.4;
  const v = (y * along[0] - x * along[1]) * frequency;
  const t = v - Math.floor(v);
  if (pattern === "checks") return s < 0.5 !== t < 0.5;
  return (s - 0.5) * (s - 0.5) + (t - 0.5) * (t - 0.5) < 0.09;
}

const clamp = (x: number): number => Math.max(0, Math.min(255, x));
