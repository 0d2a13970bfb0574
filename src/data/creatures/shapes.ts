import { cosine, sine } from "./sine.ts";

/** x' = a x + c y + e, y' = b x + d y + f. */
export interface Affine {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
}

/**
 * The two outlines everything is made of, in coordinates of their own:
 * - ellipse: (x / rx)^2 + (y / ry)^2 <= 1;
 * - taper: 0 <= x <= length and |y| <= a radius going from r0 to r1 in a straight line; `round` adds a disc at
 *   either end. Legs, necks and tails are round tapers, cones have r1 = 0, fans have r1 > r0.
 */
export type Outline =
  | { kind: "ellipse"; rx: number; ry: number }
  | { kind: "taper"; length: number; r0: number; r1: number; round: boolean };

/** An outline put somewhere: `place` maps its own coordinates to the picture's. */
export interface Shape {
  outline: Outline;
  place: Affine;
}

/** Rotation by `degrees` (clockwise on the screen, y points down), then a move to (x, y). */
export function rigid(x: number, y: number, degrees: number): Affine {
  const s = sine(degrees);
  const c = cosine(degrees);
  return { a: c, b: s, c: -s, d: c, e: x, f: y };
}

/** The map that applies `inner` first, then `outer`. */
export const compose = (outer: Affine, inner: Affine): Affine => ({
  a: outer.a * inner.a + outer.c * inner.b,
  b: outer.b * inner.a + outer.d * inner.b,
  c: outer.a * inner.c + outer.c * inner.d,
  d: outer.b * inner.c + outer.d * inner.d,
  e: outer.a * inner.e + outer.c * inner.f + outer.e,
  f: outer.b * inner.e + outer.d * inner.f + outer.f,
});

/** The map that undoes `m`. */
export function invert(m: Affine): Affine {
  const det = m.a * m.d - m.b * m.c;
  const a = m.d / det;
  const b = -m.b / det;
  const c = -m.c / det;
  const d = m.a / det;
  return { a, b, c, d, e: -(a * m.e + c * m.f), f: -(b * m.e + d * m.f) };
}

/** The image of a point. */
export const apply = (m: Affine, x: number, y: number): [number, number] => [
  m.a * x + m.c * y + m.e,
  m.b * x + m.d * y + m.f,
];

/**
 * Depth of a point given in the outline's coordinates: 0 in the middle, 1 on the edge, above 1 outside.
 * It decides what is inside, and shades the inside.
 */
export function depth(outline: Outline, x: number, y: number): number {
  if (outline.kind === "ellipse") {
    const u = x / outline.rx;
    const v = y / outline.ry;
    return u * u + v * v;
  }
  const { length, r0, r1, round } = outline;
  if (x >= 0 && x <= length) {
    const r = r0 + ((r1 - r0) * x) / length;
    return r > 0 ? (y * y) / (r * r) : 2;
  }
  if (!round) return 2;
  const past = x < 0 ? x : x - length;
  const r = x < 0 ? r0 : r1;
  return r > 0 ? (past * past + y * y) / (r * r) : 2;
}

/** Half-open box [left, right) x [top, bottom) around a shape. */
export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The smallest box that surely holds the shape (exact for ellipses). */
export function boundsOf({ outline, place }: Shape): Bounds {
  if (outline.kind === "ellipse") return discBounds(place, 0, 0, outline.rx, outline.ry);
  const { length, r0, r1 } = outline;
  return unite(discBounds(place, 0, 0, r0, r0), discBounds(place, length, 0, r1, r1));
}

/** The box around both. */
export const unite = (p: Bounds, q: Bounds): Bounds => ({
  left: Math.min(p.left, q.left),
  top: Math.min(p.top, q.top),
  right: Math.max(p.right, q.right),
  bottom: Math.max(p.bottom, q.bottom),
});

function discBounds(m: Affine, x: number, y: number, rx: number, ry: number): Bounds {
  const [cx, cy] = apply(m, x, y);
  const dx = Math.sqrt(m.a * rx * (m.a * rx) + m.c * ry * (m.c * ry));
  const dy = Math.sqrt(m.b * rx * (m.b * rx) + m.d * ry * (m.d * ry));
  return { left: cx - dx, top: cy - dy, right: cx + dx, bottom: cy + dy };
}
