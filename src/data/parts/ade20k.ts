/**
 * ADE20K in full (Zhou et al., CVPR 2017), both releases: objects, their parts and parts of parts. Beside NAME.jpg lie
 * NAME_seg.png (objects) and NAME_parts_1.png, NAME_parts_2.png (parts of each level), whose colours are classes and
 * instances, and what says the names: NAME.json with outlines (2021), or NAME_atr.txt (2016).
 * Source: https://github.com/CSAILVision/ADE20K.
 */
import { cut, shown } from "../headerJson.ts";
import { boxWithin } from "../partSquares.ts";
import type { Picture, Rectangle } from "../resize.ts";
import { strictText, textOf } from "../text.ts";
import { fillOutline, type LabelMask, labelBoxes } from "./labelMask.ts";

/** The colours of one picture [H, W] as numbers. */
export interface AdeMask {
  width: number;
  height: number;
  /** Class: the index of its name in the archive's list, from 1; 0 where there is nothing. */
  classes: Uint16Array;
  /** Instance: 1, 2, ... in the order of the blue values; 0 where there is nothing. */
  instances: Uint16Array;
}

/** Red and green are the class, red / 10 * 256 + green; blue tells instances apart. */
export function decodeAdeMask({ width, height, pixels }: Picture): AdeMask {
  const classes = new Uint16Array(width * height);
  const blues = new Uint8Array(256);
  for (let i = 0; i < classes.length; i++) {
    classes[i] = Math.floor(pixels[3 * i]! / 10) * 256 + pixels[3 * i + 1]!;
    blues[pixels[3 * i + 2]!] = 1;
  }
  let count = 0;
  const rank = Uint16Array.from(blues, (isThere, blue) => (isThere && blue > 0 ? ++count : 0));
  return {
    width,
    height,
    classes,
    instances: Uint16Array.from(classes, (_, i) => rank[pixels[3 * i + 2]!]!),
  };
}

/** An object, a part, or a part of a part. */
export interface AdeObject {
  id: number;
  /** The first of its synonyms: "car" of "car, auto, automobile". */
  name: string;
  /** 0 for an object, 1 for a part, 2 for a part of a part. */
  level: number;
  /** The id of what it is a part of; null where it is none, or that is not said. */
  partOf: number | null;
  box: Rectangle;
}

export interface AdePicture {
  width: number;
  height: number;
  objects: AdeObject[];
  /** Gives every pixel of an object the label in a mask [height, width]. */
  paint(object: AdeObject, mask: LabelMask, label: number): void;
}

/** The objects of a .json file of the 2021 release; `name` is the file's, for errors. */
export function readAdeJson(name: string, bytes: Uint8Array): AdePicture {
  const fail = (place: string, must: string, got: unknown): never => {
    throw new Error(`${name}: ${place} must ${must}; got ${shown(got)}`);
  };
  const text = strictText(bytes) ?? Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail("the file", "be JSON", cut(text));
  }
  const annotation = (json as { annotation?: { imsize?: unknown; object?: unknown } } | null)?.annotation;
  const [height, width] =
    numbers(annotation?.imsize) ?? fail("annotation.imsize", "be numbers", annotation?.imsize);
  if (!Array.isArray(annotation?.object)) return fail("annotation.object", "be a list", annotation?.object);
  const outlines = new Map<number, number[]>();
  const objects = (annotation.object as Record<string, unknown>[]).map((object, i): AdeObject => {
    const place = `annotation.object[${i}]`;
    const { id, name: names, parts, polygon } = object ?? {};
    const { part_level: level, ispartof: partOf } = (parts ?? {}) as Record<string, unknown>;
    const { x, y } = (polygon ?? {}) as Record<string, unknown>;
    if (typeof id !== "number" || typeof names !== "string")
      return fail(place, "have an id and a name", object);
    if (typeof level !== "number") return fail(`${place}.parts`, "have a part_level", parts);
    const [across, down] = [numbers(x), numbers(y)];
    if (!across || !down || across.length !== down.length || across.length === 0) {
      return fail(`${place}.polygon`, "have as many numbers x as y", polygon);
    }
    outlines.set(
      id,
      across.flatMap((one, corner) => [one, down[corner]!]),
    );
    const box = boxWithin(outlineBox(across, down), { width: width!, height: height! });
    return { id, name: firstOf(names), level, partOf: typeof partOf === "number" ? partOf : null, box };
  });
  const paint: AdePicture["paint"] = ({ id }, mask, label) => fillOutline(mask, outlines.get(id)!, label);
  return { width: width!, height: height!, objects, paint };
}

const numbers = (value: unknown): number[] | null =>
  Array.isArray(value) && value.every((item) => typeof item === "number") ? value : null;

const firstOf = (names: string): string => names.split(",")[0]!.trim();

/** The box around the corners of an outline. */
function outlineBox(x: number[], y: number[]): AdeObject["box"] {
  const [left, top] = [x, y].map((values) => values.reduce((a, b) => Math.min(a, b))) as [number, number];
  const [right, bottom] = [x, y].map((values) => values.reduce((a, b) => Math.max(a, b))) as [number, number];
  return { left, top, width: right - left, height: bottom - top };
}

/** A line of an _atr.txt file. */
interface AdeLine {
  instance: number;
  level: number;
  name: string;
}

/** The lines of an _atr.txt file: `instance # part level # occluded # name # raw name # "attributes"`. */
export function readAdeAttributes(name: string, bytes: Uint8Array): AdeLine[] {
  return textOf(bytes)
    .split(/\r?\n/)
    .flatMap((line, i) => {
      if (line.trim() === "") return [];
      const [instance, level, , names, raw] = line.split("#").map((column) => column.trim());
      if (!/^\d+$/.test(instance!) || !/^\d+$/.test(level ?? "") || !names || raw === undefined) {
        throw new Error(
          `${name}: line ${i + 1} must be an instance, a level, 0 or 1, a name and a raw name between #; got "${cut(line)}"`,
        );
      }
      return [{ instance: Number(instance), level: Number(level), name: firstOf(names) }];
    });
}

/**
 * The objects of a picture of the 2016 release: `lines` of its _atr.txt, and the masks of each level, `levels[0]` of objects.
 * A part's owner is what lies under the first pixel of the part one level up. Lines without a pixel have an empty box.
 */
export function adeObjectsOf(lines: readonly AdeLine[], levels: readonly AdeMask[]): AdePicture {
  const { width, height } = levels[0]!;
  const boxes = levels.map(({ instances }) => labelBoxes({ width, height, labels: instances }));
  const idOf = (level: number, instance: number): number | null => {
    const id = lines.findIndex((line) => line.level === level && line.instance === instance);
    return id < 0 ? null : id;
  };
  const objects = lines.map(({ instance, level, name }, id): AdeObject => {
    const box = boxes[level]?.get(instance) ?? { left: 0, top: 0, width: 0, height: 0 };
    const pixel = level === 0 ? -1 : (levels[level]?.instances.indexOf(instance) ?? -1);
    const owner = pixel < 0 ? 0 : levels[level - 1]!.instances[pixel]!;
    return { id, name, level, partOf: owner > 0 ? idOf(level - 1, owner) : null, box };
  });
  const paint: AdePicture["paint"] = ({ id, level }, { labels }, label) => {
    const { instance } = lines[id]!;
    levels[level]?.instances.forEach((here, i) => {
      if (here === instance) labels[i] = label;
    });
  };
  return { width, height, objects, paint };
}

/** The parts of a picture with the names of their owners: "car wheel", "wheel rim". */
export function adeParts({ objects }: AdePicture): { name: string; object: AdeObject }[] {
  const byId = new Map(objects.map((object) => [object.id, object]));
  return objects.flatMap((object) => {
    const { name, level, partOf } = object;
    if (level === 0) return [];
    const owner = partOf === null ? undefined : byId.get(partOf);
    return [{ name: owner ? `${owner.name} ${name}` : name, object }];
  });
}
