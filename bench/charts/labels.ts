// Short labels beside dots, none upon another.

export interface Dot {
  x: number;
  y: number;
  text: string;
}

interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The middle of a label. */
export interface Placed {
  x: number;
  y: number;
  /** Far enough from its dot to want a line to it. */
  isFar: boolean;
}

const LINE_HEIGHT = 12;
const DIGIT = 7;
const NEAR = 11;
const DIRECTIONS = 16;
const MOST_RINGS = 12;

/** A place for each label: the nearest of those around its dot that is free and inside of the area. */
export function placeLabels(dots: readonly Dot[], area: Area): Placed[] {
  const taken: Area[] = dots.map(({ x, y }) => boxOf(x, y, 8, 8));
  return dots.map((dot) => {
    const width = DIGIT * dot.text.length;
    let place: Placed = { x: dot.x, y: dot.y - NEAR, isFar: false };
    for (let i = 0; i < DIRECTIONS * MOST_RINGS; i++) {
      const ring = Math.floor(i / DIRECTIONS);
      const angle = (2 * Math.PI * (i % DIRECTIONS)) / DIRECTIONS - Math.PI / 4;
      const reach = NEAR + 8 * ring;
      const [x, y] = [dot.x + reach * Math.cos(angle), dot.y + reach * Math.sin(angle)];
      const box = boxOf(x, y, width, LINE_HEIGHT);
      if (!inside(box, area) || taken.some((other) => overlap(box, other))) continue;
      place = { x, y, isFar: ring > 0 };
      break;
    }
    taken.push(boxOf(place.x, place.y, width, LINE_HEIGHT));
    return place;
  });
}

const boxOf = (x: number, y: number, width: number, height: number): Area => ({
  left: x - width / 2,
  right: x + width / 2,
  top: y - height / 2,
  bottom: y + height / 2,
});

const overlap = (a: Area, b: Area): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

const inside = (box: Area, area: Area): boolean =>
  box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
