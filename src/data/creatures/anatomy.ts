/**
 * From a species and a pose to shapes. A creature faces right, its body's middle is (0, 0), y points down;
 * the body is about 1 long. Angles are degrees clockwise from "forward" as seen on the screen.
 */
import { between, type Uniform } from "./random.ts";
import { type Affine, apply, compose, type Outline, rigid, type Shape } from "./shapes.ts";
import type { PartName, Species } from "./species.ts";

/** A shape that belongs to a part of a creature. A part's keypoint lies on the last painted of its shapes. */
export interface PartShape extends Shape {
  part: PartName;
}

/** Where a part's keypoint lies, in the coordinates of its shape; on the body it is the chest, clear of the wing. */
export function keypointOf({ part, outline }: PartShape): [number, number] {
  if (outline.kind === "taper") return [0.55 * outline.length, 0];
  return part === "body" ? [0.4 * outline.rx, 0.4 * outline.ry] : [0, 0];
}

/** Joint angles (degrees) and proportions (factors around 1) of one creature. Angles move between two frames. */
export interface Pose {
  neck: number;
  head: number;
  tail: number;
  tailBend: number;
  wing: number;
  ear: number;
  horn: number;
  legs: [number, number, number, number];
  /** Lengths, drawn once per creature. */
  size: { neck: number; head: number; leg: number; tail: number; wing: number; ear: number; girth: number };
}

/** Draws a pose: every joint within `joints` of its range, every proportion within about a fifth. */
export function samplePose(random: Uniform, joints = 1): Pose {
  const joint = (middle: number, reach: number) =>
    between(random, middle - reach * joints, middle + reach * joints);
  const swing = () => joint(0, 22);
  const factor = () => between(random, 0.82, 1.2);
  return {
    neck: joint(-60, 22),
    head: joint(5, 25),
    tail: joint(0, 40),
    tailBend: joint(0, 45),
    wing: joint(-20, 55),
    ear: joint(0, 20),
    horn: joint(-5, 20),
    legs: [swing(), swing(), swing(), swing()],
    size: {
      neck: factor(),
      head: factor(),
      leg: factor(),
      tail: factor(),
      wing: factor(),
      ear: factor(),
      girth: factor(),
    },
  };
}

/** The same creature a moment later: every joint turned by up to `degrees`. */
export function movePose(pose: Pose, degrees: number, random: Uniform): Pose {
  const turn = (angle: number) => angle + between(random, -degrees, degrees);
  const { neck, head, tail, tailBend, wing, ear, horn, legs, size } = pose;
  return {
    neck: turn(neck),
    head: turn(head),
    tail: turn(tail),
    tailBend: turn(tailBend),
    wing: turn(wing),
    ear: turn(ear),
    horn: turn(horn),
    legs: [turn(legs[0]), turn(legs[1]), turn(legs[2]), turn(legs[3])],
    size,
  };
}

const ellipse = (rx: number, ry: number): Outline => ({ kind: "ellipse", rx, ry });
const limb = (length: number, r0: number, r1: number): Outline => ({
  kind: "taper",
  length,
  r0,
  r1,
  round: true,
});
const blade = (length: number, r0: number, r1: number): Outline => ({
  kind: "taper",
  length,
  r0,
  r1,
  round: false,
});

/** Outlines of the part shapes. Loose copies of them lie in the background, so a shape alone is no evidence. */
export const OUTLINES = {
  body: { round: ellipse(0.4, 0.36), long: ellipse(0.56, 0.27) },
  neck: { short: limb(0.16, 0.16, 0.14), long: limb(0.5, 0.13, 0.1) },
  head: { round: ellipse(0.22, 0.21), long: ellipse(0.31, 0.16) },
  eye: { any: ellipse(0.065, 0.065) },
  leg: { thin: limb(0.5, 0.065, 0.055), stubby: limb(0.24, 0.12, 0.11) },
  tail: { fan: blade(0.4, 0.07, 0.3), whip: limb(0.26, 0.07, 0.05), puff: ellipse(0.17, 0.16) },
  wing: { any: limb(0.42, 0.11, 0.2) },
  ear: { pointed: blade(0.28, 0.13, 0), long: ellipse(0.26, 0.08) },
  horn: { any: blade(0.34, 0.065, 0.015) },
  beak: { any: blade(0.28, 0.12, 0) },
} as const;

/** The outline with its lengths times `along` and its widths times `across`. */
function stretch(outline: Outline, along: number, across = along): Outline {
  if (outline.kind === "ellipse") return ellipse(outline.rx * along, outline.ry * across);
  return { ...outline, length: outline.length * along, r0: outline.r0 * across, r1: outline.r1 * across };
}

/** All shapes of a creature in the order of painting, far ones first. */
export function buildCreature(species: Species, pose: Pose): PartShape[] {
  const { size } = pose;
  const bodyOutline = stretch(OUTLINES.body[species.body], 1, size.girth);
  const rx = bodyOutline.kind === "ellipse" ? bodyOutline.rx : 0;
  const ry = bodyOutline.kind === "ellipse" ? bodyOutline.ry : 0;
  const body: PartShape = { part: "body", outline: bodyOutline, place: rigid(0, 0, 0) };

  const legAt = (x: number, swing: number): PartShape => ({
    part: "leg",
    outline: stretch(OUTLINES.leg[species.legs.shape], size.leg, 1),
    place: rigid(x * rx, 0.62 * ry, 90 + swing),
  });
  const [l0, l1, l2, l3] = pose.legs;
  const farLegs = species.legs.count === 4 ? [legAt(0.45, l0 - 8), legAt(-0.75, l1 - 8)] : [];
  const nearLegs =
    species.legs.count === 4
      ? [legAt(0.68, l2), legAt(-0.52, l3)]
      : species.legs.count === 2
        ? [legAt(0.28, l2 - 8), legAt(-0.22, l3 + 8)]
        : [];

  const neckOutline = stretch(OUTLINES.neck[species.neck], size.neck, 1);
  const neckPlace = rigid(0.68 * rx, -0.45 * ry, species.neck === "long" ? pose.neck : pose.neck + 20);
  const neck: PartShape = { part: "neck", outline: neckOutline, place: neckPlace };
  const neckEnd = neckOutline.kind === "taper" ? apply(neckPlace, neckOutline.length, 0) : [0, 0];

  return [
    ...farLegs,
    ...buildTail(species, pose, -0.88 * rx, -0.15 * ry),
    body,
    ...nearLegs,
    neck,
    ...buildHead(species, pose, neckEnd[0]!, neckEnd[1]!),
    ...(species.wing ? [buildWing(pose, rx, ry)] : []),
  ];
}

function buildTail(species: Species, pose: Pose, x: number, y: number): PartShape[] {
  const outline = stretch(OUTLINES.tail[species.tail], pose.size.tail);
  const part = "tail";
  if (species.tail === "puff") return [{ part, outline, place: rigid(x - 0.06, y, pose.tail) }];
  if (species.tail === "fan") return [{ part, outline, place: rigid(x + 0.08, y, 180 + pose.tail * 0.6) }];
  const length = outline.kind === "taper" ? outline.length : 0;
  const first = rigid(x + 0.04, y, 205 + pose.tail);
  const second = compose(first, rigid(length, 0, 25 + pose.tailBend));
  const third = compose(second, rigid(length, 0, 25 + pose.tailBend));
  return [first, second, third].map((place) => ({ part, outline, place }));
}

function buildHead(species: Species, pose: Pose, x: number, y: number): PartShape[] {
  const long = species.head === "long";
  const scale = pose.size.head;
  const place = rigid(x, y, pose.head + (long ? 15 : 0));
  // Everything on the head is joined in the head's own coordinates and turns with it.
  const on = (part: PartName, outline: Outline, local: Affine): PartShape => ({
    part,
    outline,
    place: compose(place, local),
  });
  const center = long ? 0.14 * scale : 0.05 * scale;
  const rx = (long ? 0.31 : 0.22) * scale;
  const ry = (long ? 0.16 : 0.21) * scale;
  const shapes: PartShape[] = [];
  if (species.ear) {
    const outline = stretch(OUTLINES.ear[species.ear], pose.size.ear);
    const lift = species.ear === "long" ? 0.2 * pose.size.ear : 0; // an ellipse hangs on its end, not on its middle
    const ear = (at: number, angle: number) =>
      on("ear", outline, compose(rigid(center + at * rx, -0.7 * ry, angle + pose.ear), rigid(lift, 0, 0)));
    shapes.push(ear(-0.05, -72), ear(-0.6, -108));
  }
  if (species.horn) {
    shapes.push(on("horn", OUTLINES.horn.any, rigid(center + 0.35 * rx, -0.7 * ry, -62 + pose.horn)));
  }
  if (species.beak) shapes.push(on("beak", OUTLINES.beak.any, rigid(center + 0.75 * rx, 0.1 * ry, 8)));
  shapes.push(on("head", stretch(OUTLINES.head[species.head], scale), rigid(center, 0, 0)));
  shapes.push(on("eye", OUTLINES.eye.any, rigid(center + 0.3 * rx, -0.25 * ry, 0)));
  return shapes;
}

function buildWing(pose: Pose, rx: number, ry: number): PartShape {
  const outline = stretch(OUTLINES.wing.any, pose.size.wing);
  return { part: "wing", outline, place: rigid(0.3 * rx, -0.2 * ry, 180 - pose.wing) };
}
