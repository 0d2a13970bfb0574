/**
 * PASCAL-Part (Chen et al., "Detect What You Can", CVPR 2014): for a picture of PASCAL VOC 2010 one .mat file with the mask of
 * every object and of its parts. Source: https://roozbehm.info/pascal-parts/pascal-parts.html.
 */
import type { Rectangle } from "../resize.ts";
import { type LabelMask, labelBoxes } from "./labelMask.ts";
import { type MatValue, numbersOf, readMat } from "./matFile.ts";

/** A mask [height, width], row by row: 1 inside. */
export interface Mask {
  width: number;
  height: number;
  inside: Uint8Array;
}

export interface PascalObject {
  /** One of the twenty classes: aeroplane, person, ... */
  name: string;
  mask: Mask;
  /** Parts with the names of the file: lwing, wheel_1, wheel_2, ... */
  parts: { name: string; mask: Mask }[];
}

export interface PascalPicture {
  /** Name of the picture without its ending. */
  name: string;
  objects: PascalObject[];
}

/** The objects of one annotation file; `name` is the file's, for errors. */
export function readPascalPart(name: string, bytes: Uint8Array): PascalPicture {
  const annotation = readMat(name, bytes).get("anno");
  if (!annotation) throw new Error(`${name}: must hold a variable anno, as PASCAL-Part's files do; got none`);
  const fields = new Fields(name, "anno");
  const whole = fields.structs(annotation)[0] ?? fields.fail("be a struct", "an empty one");
  return {
    name: fields.text(whole, "imname"),
    objects: fields.structs(fields.of(whole, "objects")).map((object, i) => {
      const inObject = new Fields(name, `anno.objects(${i + 1})`);
      const parts = inObject.of(object, "parts");
      return {
        name: inObject.text(object, "class"),
        mask: inObject.mask(object),
        parts: inObject.structs(parts).map((part, j) => {
          const inPart = new Fields(name, `anno.objects(${i + 1}).parts(${j + 1})`);
          return { name: inPart.text(part, "part_name"), mask: inPart.mask(part) };
        }),
      };
    }),
  };
}

/** Reads fields of structs, and names the place where one is missing or of another kind. */
class Fields {
  private readonly file: string;
  private readonly place: string;

  constructor(file: string, place: string) {
    this.file = file;
    this.place = place;
  }

  fail(must: string, got: string): never {
    throw new Error(`${this.file}: ${this.place} must ${must}; got ${got}`);
  }

  of(struct: Record<string, MatValue>, field: string): MatValue {
    return struct[field] ?? this.fail(`have a field ${field}`, Object.keys(struct).join(", ") || "no field");
  }

  /** The items of a struct; none where there is an empty array instead. */
  structs(value: MatValue): Record<string, MatValue>[] {
    if (value.kind === "struct") return value.items;
    const isEmpty = value.shape.includes(0);
    return isEmpty ? [] : this.fail("be a struct", value.kind);
  }

  text(struct: Record<string, MatValue>, field: string): string {
    const value = this.of(struct, field);
    return value.kind === "text" ? value.text : this.fail(`have text as ${field}`, value.kind);
  }

  /** MATLAB's columns become rows. */
  mask(struct: Record<string, MatValue>): Mask {
    const value = this.of(struct, "mask");
    const [height, width] = value.shape as [number, number];
    if (value.kind !== "numbers" || value.shape.length !== 2) {
      return this.fail("have a mask of two dimensions", `${value.kind} [${value.shape.join(", ")}]`);
    }
    const columns =
      value.data instanceof Uint8Array ? value.data : Uint8Array.from(numbersOf(value.data), Math.sign);
    const inside = new Uint8Array(width * height);
    for (let x = 0, from = 0; x < width; x++) {
      for (let to = x; to < inside.length; to += width) if (columns[from++] !== 0) inside[to] = 1;
    }
    return { width, height, inside };
  }
}

/** The kind of part, of whatever object: wheel_2 of a car is "car wheel". */
export const pascalPartName = (object: string, part: string): string =>
  `${object} ${part.replace(/_\d+$/, "")}`;

/** The box around each part, in the order of the file, with the name of its kind. A mask without a pixel has none. */
export function pascalRegions({ objects }: PascalPicture): { name: string; box: Rectangle }[] {
  return objects.flatMap((object) =>
    object.parts.map(({ name, mask: { width, height, inside } }) => ({
      name: pascalPartName(object.name, name),
      box: labelBoxes({ width, height, labels: Uint16Array.from(inside) }).get(1) ?? {
        left: 0,
        top: 0,
        width: 0,
        height: 0,
      },
    })),
  );
}

/**
 * All parts of a picture in one mask: 0 where there is none, otherwise 1 + the place of the part's kind in `kinds`. Later
 * parts lie over earlier ones; those of other kinds are left out.
 */
export function pascalMask({ objects }: PascalPicture, kinds: readonly string[]): LabelMask {
  const { width, height } = objects[0]?.mask ?? { width: 0, height: 0 };
  const labels = new Uint16Array(width * height);
  for (const object of objects) {
    for (const { name, mask } of object.parts) {
      const label = kinds.indexOf(pascalPartName(object.name, name)) + 1;
      if (label > 0) for (let i = 0; i < labels.length; i++) if (mask.inside[i] === 1) labels[i] = label;
    }
  }
  return { width, height, labels };
}
