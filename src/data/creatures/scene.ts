/** One picture before it is drawn: who stands where, in which colours, among what. */
import { buildCreature, movePose, OUTLINES, type Pose, samplePose } from "./anatomy.ts";
import { type Background, sampleBackground } from "./background.ts";
import { anyColour, anyPaint, type Colour, contrasting, luminance, type Paint } from "./paint.ts";
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

/** Draws a scene. Colours, textures, place, size, facing and pose do not depend on the species. */
export function sampleScene(species: Species, random: Uniform): Scene {
  const background = sampleBackground(random);
  const pose = samplePose(random);
  const view = sampleView(species, pose, random);
  const unit = Math.sqrt(Math.abs(view.a * view.d - view.b * view.c)); // picture widths per creature unit
  const coat = sampleCoat(background, random);
  const colours = [...background.colours, coat.body.base, coat.body.second];
  const clutter = (outlines: readonly Outline[]): Clutter => ({
    outline: pick(random, outlines),
    place: compose(
      rigid(between(random, -0.05, 1.05), between(random, -0.05, 1.05), between(random, 0, 360)),
      scaling(unit * between(random, 0.7, 1.3)),
    ),
    paint: anyPaint(random, below(random, 2) ? pick(random, colours) : anyColour(random)),
  });
  return {
    species,
    pose,
    view,
    coat,
    background,
    behind: Array.from({ length: 6 + below(random, 7) }, () => clutter(LOOSE)),
    before: Array.from({ length: below(random, 3) }, () => clutter(THIN)),
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

const scaling = (factor: number): Affine => ({ a: factor, b: 0, c: 0, d: factor, e: 0, f: 0 });

/** Facing, tilt, a mild stretch, and a size and place such that the creature fills the picture but for the margin. */
function sampleView(species: Species, pose: Pose, random: Uniform): Affine {
  const facing = below(random, 2) ? 1 : -1;
  const aspect = between(random, 0.88, 1.14);
  const turned = compose(rigid(0, 0, between(random, -22, 22)), {
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

/** One or two colours over the body's parts, by chance; the eye is light on dark or dark on light. */
function sampleCoat(background: Background, random: Uniform): Record<PartName, Paint> {
  const surroundings = background.colours.slice(0, 2);
  const main = anyPaint(random, contrasting(random, surroundings));
  const accent = anyPaint(random, contrasting(random, [...surroundings, main.base]));
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
