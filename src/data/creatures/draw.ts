import { buildCreature, keypointOf } from "./anatomy.ts";
import { backgroundAt } from "./background.ts";
import { type Paint, showsSecond } from "./paint.ts";
import type { Scene } from "./scene.ts";
import { type Affine, apply, boundsOf, compose, depth, invert, type Shape } from "./shapes.ts";
import { PART_NAMES } from "./species.ts";

/** A shape ready to be painted. */
interface Layer extends Shape {
  paint: Paint;
  /** Value in the part mask; 0 for clutter. */
  part: number;
}

/** A drawn picture with its truth. */
export interface Frame {
  /** RGB [size, size, 3]. */
  pixels: Uint8Array;
  /** 1 on the creature [size, size]. */
  objectMask: Uint8Array;
  /** 0, or part id (index in PART_NAMES + 1) [size, size]. */
  partMask: Uint8Array;
  /** x, y in pixels and 1 where visible, else 0 [parts, 3]; all 0 for a part the species has not. */
  keypoints: Float32Array;
  /** Layer seen at each pixel [size, size], -1 for the background. */
  owners: Int16Array;
  /** Picture-to-layer-to-picture maps need the placement of every layer, in picture widths. */
  places: Affine[];
}

/** Samples per pixel along each axis. */
const SAMPLES = 2;
const PER_PIXEL = SAMPLES * SAMPLES;

/** Draws a scene, SAMPLES x SAMPLES samples per pixel. Masks hold what covers the larger part of a pixel. */
export function drawScene(scene: Scene, size: number): Frame {
  const layers = layersOf(scene);
  const seen = paintOwners(layers, size * SAMPLES);
  const frame: Frame = {
    pixels: new Uint8Array(size * size * 3),
    objectMask: new Uint8Array(size * size),
    partMask: new Uint8Array(size * size),
    keypoints: new Float32Array(PART_NAMES.length * 3),
    owners: new Int16Array(size * size),
    places: layers.map(({ place }) => place),
  };
  shade(scene, layers, seen, size, frame.pixels);
  for (let pixel = 0; pixel < size * size; pixel++) {
    const owner = dominant(layers, seen, size, pixel);
    const part = owner < 0 ? 0 : layers[owner]!.part;
    frame.owners[pixel] = owner;
    frame.partMask[pixel] = part;
    frame.objectMask[pixel] = part > 0 ? 1 : 0;
  }
  markKeypoints(scene, frame, size);
  return frame;
}

/** All shapes of a scene in picture coordinates, in the order of painting. The same order for moved scenes. */
function layersOf({ species, pose, view, coat, behind, before }: Scene): Layer[] {
  const creature = buildCreature(species, pose).map(({ part, outline, place }) => ({
    outline,
    place: compose(view, place),
    paint: coat[part],
    part: PART_NAMES.indexOf(part) + 1,
  }));
  const loose = (items: Scene["behind"]): Layer[] => items.map((item) => ({ ...item, part: 0 }));
  return [...loose(behind), ...creature, ...loose(before)];
}

/** The layer on top at each sample -> [side, side], -1 where there is none. */
function paintOwners(layers: Layer[], side: number): Int16Array {
  const seen = new Int16Array(side * side).fill(-1);
  layers.forEach(({ outline, place }, layer) => {
    const { left, top, right, bottom } = boundsOf({ outline, place });
    const { a, b, c, d, e, f } = invert(place);
    const x0 = Math.max(0, Math.floor(left * side - 0.5));
    const x1 = Math.min(side - 1, Math.ceil(right * side));
    const y0 = Math.max(0, Math.floor(top * side - 0.5));
    const y1 = Math.min(side - 1, Math.ceil(bottom * side));
    for (let j = y0; j <= y1; j++) {
      const y = (j + 0.5) / side;
      for (let i = x0; i <= x1; i++) {
        const x = (i + 0.5) / side;
        if (depth(outline, a * x + c * y + e, b * x + d * y + f) <= 1) seen[j * side + i] = layer;
      }
    }
  });
  return seen;
}

/** Colours every sample and averages: round surfaces are darker towards the edge. -> pixels [size, size, 3] */
function shade(scene: Scene, layers: Layer[], seen: Int16Array, size: number, pixels: Uint8Array): void {
  const side = size * SAMPLES;
  const inverses = layers.map(({ place }) => invert(place));
  const ground = new Float64Array(3);
  for (let pixel = 0; pixel < size * size; pixel++) {
    const row = Math.floor(pixel / size);
    const column = pixel - row * size;
    let red = 0;
    let green = 0;
    let blue = 0;
    let bare = 0;
    for (let s = 0; s < PER_PIXEL; s++) {
      const i = column * SAMPLES + (s % SAMPLES);
      const j = row * SAMPLES + Math.floor(s / SAMPLES);
      const owner = seen[j * side + i]!;
      if (owner < 0) {
        bare++;
        continue;
      }
      const { outline, paint } = layers[owner]!;
      const { a, b, c, d, e, f } = inverses[owner]!;
      const x = (i + 0.5) / side;
      const y = (j + 0.5) / side;
      const u = a * x + c * y + e;
      const v = b * x + d * y + f;
      const light = 1.1 - 0.5 * depth(outline, u, v);
      const colour = showsSecond(paint, u, v) ? paint.second : paint.base;
      red += light * colour[0];
      green += light * colour[1];
      blue += light * colour[2];
    }
    if (bare > 0) {
      backgroundAt(scene.background, (column + 0.5) / size, (row + 0.5) / size, ground);
      red += bare * ground[0]!;
      green += bare * ground[1]!;
      blue += bare * ground[2]!;
    }
    pixels[3 * pixel] = toByte(red / PER_PIXEL);
    pixels[3 * pixel + 1] = toByte(green / PER_PIXEL);
    pixels[3 * pixel + 2] = toByte(blue / PER_PIXEL);
  }
}

const toByte = (x: number): number => Math.max(0, Math.min(255, Math.floor(x + 0.5)));

/**
 * The layer that stands for a pixel: creature or surroundings, whichever has more samples (creature on a tie),
 * and of that side the layer with most samples (the first on a tie).
 */
function dominant(layers: Layer[], seen: Int16Array, size: number, pixel: number): number {
  const side = size * SAMPLES;
  const row = Math.floor(pixel / size);
  const first = row * SAMPLES * side + (pixel - row * size) * SAMPLES;
  const at = (s: number): number => seen[first + Math.floor(s / SAMPLES) * side + (s % SAMPLES)]!;
  const isCreature = (owner: number): boolean => owner >= 0 && layers[owner]!.part > 0;
  let creature = 0;
  let equal = true;
  for (let s = 0; s < PER_PIXEL; s++) {
    if (isCreature(at(s))) creature++;
    if (at(s) !== at(0)) equal = false;
  }
  if (equal) return at(0);
  const wanted = 2 * creature >= PER_PIXEL;
  let best = -1;
  let most = 0;
  for (let s = 0; s < PER_PIXEL; s++) {
    const owner = at(s);
    if (isCreature(owner) !== wanted) continue;
    let count = 0;
    for (let t = 0; t < PER_PIXEL; t++) if (at(t) === owner) count++;
    if (count > most) {
      best = owner;
      most = count;
    }
  }
  return best;
}

/** Puts down each part's keypoint. It is visible where its part is seen at that pixel or next to it. */
function markKeypoints({ species, pose, view }: Scene, { keypoints, partMask }: Frame, size: number): void {
  for (const shape of buildCreature(species, pose)) {
    const index = PART_NAMES.indexOf(shape.part);
    const [u, v] = keypointOf(shape);
    const [x, y] = apply(compose(view, shape.place), u, v).map((t) => t * size) as [number, number];
    const column = Math.floor(x);
    const row = Math.floor(y);
    let visible = 0;
    for (let j = Math.max(0, row - 1); j <= Math.min(size - 1, row + 1); j++) {
      for (let i = Math.max(0, column - 1); i <= Math.min(size - 1, column + 1); i++) {
        if (partMask[j * size + i] === index + 1) visible = 1;
      }
    }
    if (x < 0 || y < 0 || x >= size || y >= size) visible = 0;
    keypoints.set([x, y, visible], index * 3); // a later shape of the part takes the place of an earlier one
  }
}
