/**
 * The built-in sets: drawn creatures with the truth about their parts. The same bits from the same
 * settings on every machine: only integer arithmetic and + - * / sqrt of float64 are used on the way.
 */
import { checkImageSet, type ImageSet } from "../images.ts";
import { drawScene, type Frame } from "./draw.ts";
import { KINDS, type Kind, type KindName } from "./kinds.ts";
import { below, randomFrom } from "./random.ts";
import { moveScene, type Scene, sampleScene } from "./scene.ts";
import { apply, compose, invert } from "./shapes.ts";
import { PART_NAMES, type PartName } from "./species.ts";

export interface CreatureOptions {
  /** What the labels mean (default "creatures", ten species). */
  kind?: KindName;
  count: number;
  /** Side of the pictures in pixels (default 32). */
  size?: number;
  /** Integer from 0 to 2^32 - 1; another seed gives entirely other pictures. */
  seed?: number;
  /** Pictures of different splits have nothing in common (default "train"). */
  split?: "train" | "val" | "test";
  /** Index of the first picture (default 0), so that a large set can be made in pieces. */
  first?: number;
}

/** Pictures with their truth; see `Frame` for the meaning of each array. N = count, P = parts. */
export interface CreatureSet extends ImageSet {
  /** [N, H, W], 1 on the creature. */
  objectMask: Uint8Array;
  /** [N, H, W], 0 or index in `partNames` + 1. */
  partMask: Uint8Array;
  /** [N, P, 3]: x, y in pixels, visible 0 or 1. */
  keypoints: Float32Array;
  partNames: readonly PartName[];
}

/** Two moments of one scene. */
export interface CreaturePair {
  label: number;
  size: number;
  first: Frame;
  second: Frame;
  /** [H, W, 2]: where the surface at the middle of each pixel of `first` goes, in pixels (dx, dy). */
  flow: Float32Array;
  /** [H, W]: 1 where that surface is still in the picture and not hidden in `second`. */
  valid: Uint8Array;
}

const SPLITS = ["train", "val", "test"] as const;

/** Draws `count` creatures; classes are balanced: every ten pictures, twenty of the coat set, hold each once. */
export function creatures(options: CreatureOptions): CreatureSet {
  const { kind = "creatures", count, size = 32, seed = 0, split = "train", first = 0 } = options;
  check("creatures", { size, seed, first });
  const area = size * size;
  const set: CreatureSet = {
    name: `${kind}-${split}`,
    width: size,
    height: size,
    count,
    pixels: new Uint8Array(count * area * 3),
    labels: new Int32Array(count),
    classes: KINDS[kind].classes,
    objectMask: new Uint8Array(count * area),
    partMask: new Uint8Array(count * area),
    keypoints: new Float32Array(count * PART_NAMES.length * 3),
    partNames: PART_NAMES,
  };
  for (let i = 0; i < count; i++) {
    const { scene, label } = sceneOf(KINDS[kind], seed, split, first + i);
    const frame = drawScene(scene, size);
    set.labels[i] = label;
    set.pixels.set(frame.pixels, i * area * 3);
    set.objectMask.set(frame.objectMask, i * area);
    set.partMask.set(frame.partMask, i * area);
    set.keypoints.set(frame.keypoints, i * PART_NAMES.length * 3);
  }
  return checkImageSet(set);
}

/** Draws picture `index` of a set and the same scene a moment later, with the exact motion between them. */
export function creaturePair(
  options: { index: number } & Pick<CreatureOptions, "kind" | "size" | "seed" | "split">,
): CreaturePair {
  const { kind = "creatures", index, size = 32, seed = 0, split = "train" } = options;
  check("creaturePair", { size, seed, first: index });
  const { scene, label } = sceneOf(KINDS[kind], seed, split, index);
  const moved = moveScene(scene, randomFrom(seed, SPLITS.indexOf(split), index, 1));
  const first = drawScene(scene, size);
  const second = drawScene(moved, size);
  return { label, size, first, second, ...flowBetween(scene, moved, first, second, size) };
}

/** The scene with this number. Each block of as many as there are classes is a rotation of them: labels are balanced. */
function sceneOf(
  { classes, surroundings, individual }: Kind,
  seed: number,
  split: (typeof SPLITS)[number],
  index: number,
): { scene: Scene; label: number } {
  const stream = SPLITS.indexOf(split);
  const block = Math.floor(index / classes.length);
  const turn = below(randomFrom(seed, stream, block, 2), classes.length);
  const label = (index + turn) % classes.length;
  const random = randomFrom(seed, stream, index, 0);
  return { scene: sampleScene(individual(label, random), surroundings, random), label };
}

/** Every layer moves by its own affine map, second place x inverse of the first; the background by a shift. */
function flowBetween(scene: Scene, moved: Scene, first: Frame, second: Frame, size: number) {
  const maps = first.places.map((place, layer) => compose(second.places[layer]!, invert(place)));
  const shift = [0, 1].map((axis) => moved.background.offset[axis]! - scene.background.offset[axis]!);
  const flow = new Float32Array(size * size * 2);
  const valid = new Uint8Array(size * size);
  for (let pixel = 0; pixel < size * size; pixel++) {
    const row = Math.floor(pixel / size);
    const x = (pixel - row * size + 0.5) / size;
    const y = (row + 0.5) / size;
    const owner = first.owners[pixel]!;
    const to = owner < 0 ? [x + shift[0]!, y + shift[1]!] : apply(maps[owner]!, x, y);
    const toX = to[0]! * size;
    const toY = to[1]! * size;
    flow[2 * pixel] = toX - x * size;
    flow[2 * pixel + 1] = toY - y * size;
    const inside = toX >= 0 && toY >= 0 && toX < size && toY < size;
    if (inside && second.owners[Math.floor(toY) * size + Math.floor(toX)] === owner) valid[pixel] = 1;
  }
  return { flow, valid };
}

function check(where: string, { size, seed, first }: { size: number; seed: number; first: number }): void {
  if (!Number.isInteger(size) || size < 8) {
    throw new Error(`${where}: size must be an integer of at least 8 pixels; got ${size}.`);
  }
  if (![seed, first].every((key) => Number.isInteger(key) && key >= 0 && key < 2 ** 32)) {
    throw new Error(
      `${where}: seed and index must be integers from 0 to 2^32 - 1, beyond which pictures repeat; got ${seed}, ${first}.`,
    );
  }
}
