import type { CreatureSet } from "./creatures/creatures.ts";
import { type ImageSet, subset } from "./images.ts";
import { IGNORED } from "./parts/labelMask.ts";
import type { PartMaskSet } from "./parts/readPartMasks.ts";

export { IGNORED };

/** Pictures of which every pixel has a class, for segmentation. */
export interface PixelSet extends ImageSet {
  /** [count, H, W]: index in `pixelClasses`, or IGNORED. */
  pixelLabels: Uint16Array;
  pixelClasses: readonly string[];
}

/**
 * What pixels are that show nothing named: ignored, as the paper has it for parts and objects alike (mmseg's
 * `reduce_zero_label`), or a class of their own, the first.
 */
export type Background = "ignored" | "class";

/**
 * Pixels by the part they show, of drawn pictures or of `readPartMasks`. `parts` are those that count, by default all of the
 * set's; the others are as if nothing named were there.
 */
export function partPixels(
  set: Pick<CreatureSet | PartMaskSet, keyof ImageSet | "partMask" | "partNames">,
  background: Background,
  parts: readonly string[] = set.partNames,
): PixelSet {
  const known: readonly string[] = set.partNames;
  if (!parts.every((part) => known.includes(part)) || new Set(parts).size < Math.max(1, parts.length)) {
    throw new Error(
      `${set.name}: parts must be different ones of ${known.join(", ")}; got ${parts.join(", ") || "none"}`,
    );
  }
  const place = [0, ...known.map((part) => parts.indexOf(part) + 1)];
  return pixelSet(
    set,
    Uint16Array.from(set.partMask, (value) => (value === IGNORED ? IGNORED : place[value]!)),
    parts,
    background,
  );
}

/** Pixels by the class of the object they show, every one of which is of some part. */
export function objectPixels(
  set: Pick<CreatureSet, keyof ImageSet | "partMask">,
  background: Background,
): PixelSet {
  const area = set.width * set.height;
  const mask = Uint16Array.from(set.partMask, (part, i) =>
    part > 0 ? set.labels[Math.floor(i / area)]! + 1 : 0,
  );
  return pixelSet(set, mask, set.classes, background);
}

/** mask [count, H, W]: 0 where nothing named is, otherwise 1 + index in `names`, or IGNORED. */
function pixelSet(
  { name, width, height, count, pixels, labels, classes }: ImageSet,
  mask: ArrayLike<number>,
  names: readonly string[],
  background: Background,
): PixelSet {
  const isKept = (value: number) => background === "class" || value === IGNORED;
  return {
    ...{ name, width, height, count, pixels, labels, classes },
    pixelLabels: Uint16Array.from(mask, (value) =>
      isKept(value) ? value : value === 0 ? IGNORED : value - 1,
    ),
    pixelClasses: background === "class" ? ["background", ...names] : names,
  };
}

/** The pictures at `indices` with their labels, in that order, as a set of its own. */
export function pixelSubset(set: PixelSet, indices: ArrayLike<number>): PixelSet {
  const { width, height, pixelLabels, pixelClasses } = set;
  const area = width * height;
  const chosen = new Uint16Array(indices.length * area);
  for (let i = 0; i < indices.length; i++) {
    chosen.set(pixelLabels.subarray(indices[i]! * area, (indices[i]! + 1) * area), i * area);
  }
  return { ...subset(set, indices), pixelLabels: chosen, pixelClasses };
}

/** Returns `set` unchanged if its labels are one for each pixel and classes or IGNORED; throws otherwise. */
export function checkPixelSet<S extends PixelSet>(set: S): S {
  const { name, width, height, count, pixelLabels, pixelClasses } = set;
  if (pixelLabels.length !== count * height * width) {
    throw new Error(
      `${name}: pixelLabels must be [${count}, ${height}, ${width}]; got ${pixelLabels.length} numbers`,
    );
  }
  const wrong = pixelLabels.findIndex((label) => label >= pixelClasses.length && label !== IGNORED);
  if (wrong >= 0) {
    throw new Error(
      `${name}: the label of a pixel must be below ${pixelClasses.length} or ${IGNORED}, which is ignored; ` +
        `got ${pixelLabels[wrong]}. Does a mask have more classes than names?`,
    );
  }
  return set;
}
