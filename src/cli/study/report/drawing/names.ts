/** Where the names of points stand in a drawing, so that they cover neither each other nor the points. */
import type { Frame } from "./axis.ts";

export interface Named {
  name: string;
  x: number;
  y: number;
}

export interface Placed {
  x: number;
  y: number;
  anchor: "start" | "end" | "middle";
}

/** Of the largest type that the style sheet has for drawings, that of phones: what fits there fits elsewhere. */
const LETTER = { width: 9.5, height: 17 };
/** Of a point, and between it and its name. */
const RADIUS = 6;
const GAP = 4;

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** A place for each name, tried in this order: right, left, above, below, and the corners. The least covered one is taken. */
export function placeNames(points: readonly Named[], frame: Frame): Placed[] {
  const taken: Box[] = points.map(({ x, y }) => boxAround(x, y, 2 * RADIUS, 2 * RADIUS));
  return points.map(({ name, x, y }, i) => {
    const reach = RADIUS + GAP;
    const places: Placed[] = [0, -1, 1].flatMap((side) => [
      { x: x + reach, y: y + side * LETTER.height, anchor: "start" as const },
      { x: x - reach, y: y + side * LETTER.height, anchor: "end" as const },
      ...(side === 0 ? [] : [{ x, y: y + side * (LETTER.height + 2), anchor: "middle" as const }]),
    ]);
    const others = taken.filter((_, other) => other !== i);
    const cost = (place: Placed): number => {
      const box = boxOf(place, name.length * LETTER.width);
      return others.reduce((sum, other) => sum + overlap(box, other), outside(box, frame));
    };
    const [best] = places.map((place) => ({ place, cost: cost(place) })).sort((a, b) => a.cost - b.cost);
    taken.push(boxOf(best!.place, name.length * LETTER.width));
    return { ...best!.place, y: best!.place.y + LETTER.height / 4 }; // the baseline
  });
}

const boxAround = (x: number, y: number, width: number, height: number): Box => ({
  left: x - width / 2,
  right: x + width / 2,
  top: y - height / 2,
  bottom: y + height / 2,
});

function boxOf({ x, y, anchor }: Placed, width: number): Box {
  const middle = anchor === "start" ? x + width / 2 : anchor === "end" ? x - width / 2 : x;
  return boxAround(middle, y, width, LETTER.height);
}

/** The area that two have in common. */
const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
  Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

/** The area that lies outside of a frame. */
const outside = (box: Box, frame: Frame): number =>
  (box.right - box.left) * (box.bottom - box.top) - overlap(box, frame);
