import { anyColour, type Colour } from "./paint.ts";
import { below, between, type Uniform } from "./random.ts";

/** A smooth random texture of three colours, defined on the whole plane. */
export interface Background {
  colours: readonly [Colour, Colour, Colour];
  /** Random values on a 16 x 16 lattice that repeats. */
  lattice: Float64Array;
  /** Lattice cells per picture width, across and down: unequal values give grain. */
  scale: readonly [number, number];
  /** Share of the fine octave. */
  roughness: number;
  /** Steepness of the change from the first colour to the second: 1 is soft, 6 has hard edges. */
  contrast: number;
  /** How far the texture has moved, in picture widths. */
  offset: readonly [number, number];
}

const SIDE = 16;

/** Draws colours, grain and roughness. */
export function sampleBackground(random: Uniform): Background {
  const lattice = Float64Array.from({ length: SIDE * SIDE }, random);
  return {
    colours: [anyColour(random), anyColour(random), anyColour(random)],
    lattice,
    scale: [between(random, 1.5, 6), between(random, 1.5, 6)],
    roughness: between(random, 0.2, 0.8),
    contrast: below(random, 2) ? between(random, 2, 6) : 1,
    offset: [between(random, 0, 8), between(random, 0, 8)],
  };
}

/** Writes the colour at (x, y), in picture widths, to `out` [3]. */
export function backgroundAt(background: Background, x: number, y: number, out: Float64Array): void {
  const { colours, lattice, scale, roughness, contrast, offset } = background;
  const u = (x - offset[0] + 16) * scale[0];
  const v = (y - offset[1] + 16) * scale[1];
  const coarse = noise(lattice, u, v);
  const fine = noise(lattice, 2.7 * u + 5.3, 2.7 * v + 1.7);
  const other = noise(lattice, 0.8 * u + 9.1, 0.8 * v + 12.4);
  const s = Math.max(-0.2, Math.min(1.2, 0.5 + contrast * (coarse - 0.5 + roughness * (fine - 0.5))));
  const t = smooth(other);
  for (let c = 0; c < 3; c++) {
    const mixed = colours[0][c]! + (colours[1][c]! - colours[0][c]!) * s;
    out[c] = mixed + (colours[2][c]! - mixed) * t;
  }
}

/** Value noise in 0..1: lattice values joined by smooth interpolation. */
function noise(lattice: Float64Array, u: number, v: number): number {
  const i = Math.floor(u);
  const j = Math.floor(v);
  const s = smooth(u - i);
  const t = smooth(v - j);
  const top = (j & (SIDE - 1)) * SIDE;
  const bottom = ((j + 1) & (SIDE - 1)) * SIDE;
  const left = i & (SIDE - 1);
  const right = (i + 1) & (SIDE - 1);
  const above = lattice[top + left]! + (lattice[top + right]! - lattice[top + left]!) * s;
  const under = lattice[bottom + left]! + (lattice[bottom + right]! - lattice[bottom + left]!) * s;
  return above + (under - above) * t;
}

const smooth = (t: number): number => t * t * (3 - 2 * t);
