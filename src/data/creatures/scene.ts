/** One picture before it is drawn: who stands where, in which colours, among what. */
import { buildCreature, movePose, OUTLINES, type Pose, samplePose } from "./anatomy.ts";
import { type Background, sampleBackground } from "./background.ts";
import type { Coat } from "./coats.ts";
import type { Individual, Surroundings } from "./kinds.ts";
import { anyColour, anyPaint, type Colour, contrasting, luminance, mute, type Paint } from "./paint.ts";
import { below, between, pick, type Uniform } from "./random.ts";
import { type Affine, boundsOf, compose, type Outline, rigid, type Shape, unite } from "./shapes.ts";
import { PART_NAMES, type PartName, type Species } from "./species.ts";

/** A loose shape with its paint; `place` maps to picture coordinates, 0..1 across and down. */
export interface Clutter extends Shape {
  paint: Paint;
}

export interface Scene {
  species: Species;
  pose: Pose;
  /** Creature to picture coordinates. */
  view: Affine;
  coat: Record<PartName, Paint>;
  background: Background;
  /** Painted before the creature. */
  behind: Clutter[];
  /** Painted after the creature: these hide a little of it. */
  before: Clutter[];
}

/** Draws a scene. Textures, place, size, facing and pose do not depend on the species, nor do colours without a coat. */
export function sampleScene(
  { species, coat: worn }: Individual,
  around: Surroundings,
  random: Uniform,
): Scene {
  const { muted } = around;
  const found = sampleBackground(random);
  const background = muted
    ? { ...found, colours: mapThree(found.colours, (colour) => mute(colour, muted)) }
    : found;
  const pose = samplePose(random, around.joints);
  const view = sampleView(species, pose, around.tilt, random);
  const unit = Math.sqrt(Math.abs(view.a * view.d - view.b * view.c)); // picture widths per creature unit
  const coat = worn ? patch(worn, random) : anyCoat(background, random);
  const colours = [...background.colours, coat.body.base, coat.body.second];
  const quiet = (paint: Paint): Paint =>
    muted ? { ...paint, base: mute(paint.base, muted), second: mute(paint.second, muted) } : paint;
  const clutter = (outlines: readonly Outline[]): Clutter => ({
    outline: pick(random, outlines),
    place: compose(
      rigid(between(random, -0.05, 1.05), between(random, -0.05, 1.05), between(random, 0, 360)),
      scaling(unit * between(random, 0.7, 1.3)),
    ),
    paint: quiet(anyPaint(random, below(random, 2) ? pick(random, colours) : anyColour(random))),
  });
  return {
    species,
    pose,
    view,
    coat,
    background,
    behind: Array.from({ length: numberIn(around.behind, random) }, () => clutter(LOOSE)),
    before: Array.from({ length: numberIn(around.before, random) }, () => clutter(THIN)),
  };
}

/** The scene a moment later: creature, joints, texture and every loose shape have each moved on their own. */
export function moveScene(scene: Scene, random: Uniform): Scene {
  const shift = (most: number) => between(random, -most, most);
  const move = (item: Clutter): Clutter => ({
    ...item,
    place: compose(rigid(shift(0.03), shift(0.03), 0), item.place),
  });
  const { view, background } = scene;
  const turn = compose(
    rigid(view.e + shift(0.07), view.f + shift(0.07), shift(8)),
    compose(scaling(1 + shift(0.05)), rigid(-view.e, -view.f, 0)),
  );
  const offset: [number, number] = [background.offset[0] + shift(0.06), background.offset[1] + shift(0.06)];
  return {
    ...scene,
    pose: movePose(scene.pose, 10, random),
    view: compose(turn, view),
    background: { ...background, offset },
    behind: scene.behind.map(move),
    before: scene.before.map(move),
  };
}

const LOOSE: readonly Outline[] = Object.values(OUTLINES).flatMap((shapes) => Object.values<Outline>(shapes));
const THIN: readonly Outline[] = [
  OUTLINES.leg.thin,
  OUTLINES.tail.whip,
  OUTLINES.horn.any,
  OUTLINES.ear.long,
];

const numberIn = ([fewest, most]: readonly [number, number], random: Uniform): number =>
  fewest + below(random, most - fewest + 1);

const mapThree = <T, U>([a, b, c]: readonly [T, T, T], map: (item: T) => U): [U, U, U] => [
  map(a),
  map(b),
  map(c),
];

const scaling = (factor: number): Affine => ({ a: factor, b: 0, c: 0, d: factor, e: 0, f: 0 });

/** Facing, tilt, a mild stretch, and a size and place such that the creature fills the picture but for the margin. */
function sampleView(species: Species, pose: Pose, tilt: number, random: Uniform): Affine {
  const facing = below(random, 2) ? 1 : -1;
  const aspect = between(random, 0.88, 1.14);
  const turned = compose(rigid(0, 0, between(random, -tilt, tilt)), {
    ...scaling(1),
    a: facing * aspect,
    d: 1 / aspect,
  });
  const box = buildCreature(species, pose)
    .map((shape) => boundsOf({ ...shape, place: compose(turned, shape.place) }))
    .reduce(unite);
  const width = box.right - box.left;
  const height = box.bottom - box.top;
  const scale = between(random, 0.8, 1.06) / Math.max(width, height);
  const margin = 0.04; // up to this much may stick out
  const left = between(random, -margin, 1 + margin - scale * width);
  const top = between(random, -margin, 1 + margin - scale * height);
  const moved: Affine = { ...scaling(scale), e: left - scale * box.left, f: top - scale * box.top };
  return compose(moved, turned);
}

/** Colours and patterns by chance that stand out from the background. */
function anyCoat(background: Background, random: Uniform): Record<PartName, Paint> {
  const surroundings = background.colours.slice(0, 2);
  const main = anyPaint(random, contrasting(random, surroundings));
  const accent = anyPaint(random, contrasting(random, [...surroundings, main.base]));
  return overParts(main, accent, random);
}

/** A class's two colours and its pattern; how fine the pattern is and which way it runs is the individual's own. */
function patch({ base, accent, pattern }: Coat, random: Uniform): Record<PartName, Paint> {
  const paint = (first: Colour, second: Colour): Paint => ({ ...anyPaint(random, first), second, pattern });
  return overParts(paint(base, accent), paint(accent, base), random);
}

/** Either paint for each of the body's parts, by chance; the eye is light on dark or dark on light. */
function overParts(main: Paint, accent: Paint, random: Uniform): Record<PartName, Paint> {
  const coat = {} as Record<PartName, Paint>;
  for (const part of PART_NAMES) {
    coat[part] = part === "body" || below(random, 2) === 0 ? main : accent;
  }
  const bright = between(random, 0, 45);
  const grey = luminance(coat.head.base) > 120 ? bright : 255 - bright;
  const eye: Colour = [grey, grey, grey];
  coat.eye = { ...main, base: eye, second: eye, pattern: "plain" };
  return coat;
}
