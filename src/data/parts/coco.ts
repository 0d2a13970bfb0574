/**
 * COCO's JSON: pictures, and objects with keypoints (COCO 2017 persons, AP-10K) or outlines (part segmentation). A file may
 * have hundreds of megabytes and its lists stand in any order, so it is read twice in pieces: first the pictures and
 * categories, then the annotations one by one. Source: https://cocodataset.org/#format-data.
 */
import { shown } from "../headerJson.ts";
import { boxWithin, type PartPoint, type PartRegion } from "../partSquares.ts";
import type { Rectangle } from "../resize.ts";
import { type CocoShape, runsOfText } from "./cocoShape.ts";
import { type JsonElement, jsonElements } from "./jsonStream.ts";

export interface CocoPicture {
  id: number;
  fileName: string;
  width: number;
  height: number;
}

export interface CocoCategory {
  id: number;
  name: string;
  /** Names of its keypoints; empty where it has none. */
  keypoints: string[];
}

/** What the annotations refer to, by number. */
export interface CocoNames {
  pictures: Map<number, CocoPicture>;
  categories: Map<number, CocoCategory>;
}

/** One annotated object. */
export interface CocoObject {
  id: number;
  picture: CocoPicture;
  category: CocoCategory;
  /** Many objects under one outline. */
  isCrowd: boolean;
  /** In pixels; sides may be 0, as some of COCO's are. */
  box: Rectangle;
  /** Keypoints that are marked: index in the category's names, and whether the point can be seen (2) or is hidden (1). */
  keypoints: { part: number; x: number; y: number; isVisible: boolean }[];
  /** Where it is pixel by pixel; undefined where that is not said, and of categories with keypoints. */
  shape: CocoShape | undefined;
}

/** Opens the file's bytes anew. */
export type Pieces = () => AsyncIterable<Uint8Array>;

/** The pictures and categories of a file; `name` is the file's, for errors. */
export async function cocoNames(name: string, pieces: Pieces): Promise<CocoNames> {
  const names: CocoNames = { pictures: new Map(), categories: new Map() };
  for await (const element of jsonElements(name, pieces(), ["images", "categories"])) {
    const entry = new Entry(name, element);
    const id = entry.number("id");
    if (element.key === "images") {
      const [width, height] = [entry.side("width"), entry.side("height")];
      names.pictures.set(id, { id, fileName: entry.text("file_name"), width, height });
    } else {
      names.categories.set(id, { id, name: entry.text("name"), keypoints: entry.texts("keypoints") });
    }
  }
  for (const [key, map] of [
    ["images", names.pictures],
    ["categories", names.categories],
  ] as const) {
    if (map.size === 0) throw new Error(`${name}: must have a list ${key}, as COCO's files do; got none`);
  }
  return names;
}

/** The objects of a file, one at a time, in its order. */
export async function* cocoObjects(
  name: string,
  pieces: Pieces,
  { pictures, categories }: CocoNames,
): AsyncGenerator<CocoObject> {
  for await (const element of jsonElements(name, pieces(), ["annotations"])) {
    const entry = new Entry(name, element);
    const picture = entry.key("image_id", pictures);
    const category = entry.key("category_id", categories);
    yield {
      id: entry.number("id"),
      picture,
      category,
      isCrowd: Boolean(element.value.iscrowd),
      box: entry.box("bbox"),
      keypoints: category.keypoints.length === 0 ? [] : keypointsOf(entry, category),
      shape: category.keypoints.length === 0 ? entry.shape("segmentation", picture) : undefined,
    };
  }
}

function keypointsOf(entry: Entry, { keypoints: names, name }: CocoCategory): CocoObject["keypoints"] {
  if (!entry.has("keypoints")) return [];
  const values = entry.numbers(
    "keypoints",
    3 * names.length,
    `three for each of ${names.length} points of ${name}`,
  );
  return names.flatMap((_, part) => {
    const [x, y, seen] = values.slice(3 * part);
    if (seen !== 0 && seen !== 1 && seen !== 2)
      entry.fail(`keypoints[${3 * part + 2}] must be 0, 1 or 2`, seen);
    return seen === 0 ? [] : [{ part, x: x!, y: y!, isVisible: seen === 2 }];
  });
}

/** An object of a list, whose fields are checked as they are read. */
class Entry {
  private readonly name: string;
  private readonly element: JsonElement;

  constructor(name: string, element: JsonElement) {
    this.name = name;
    this.element = element;
  }

  has(field: string): boolean {
    return this.element.value[field] !== undefined;
  }

  number(field: string): number {
    const value = this.element.value[field];
    return typeof value === "number" ? value : this.fail(`${field} must be a number`, value);
  }

  text(field: string): string {
    const value = this.element.value[field];
    return typeof value === "string" ? value : this.fail(`${field} must be text`, value);
  }

  /** A list of text; empty where the field is missing. */
  texts(field: string): string[] {
    const value = this.element.value[field] ?? [];
    return isListOf(value, "string") ? value : this.fail(`${field} must be a list of text`, value);
  }

  numbers(field: string, count: number, meaning: string): number[] {
    const value = this.element.value[field];
    return isListOf(value, "number") && value.length === count
      ? value
      : this.fail(`${field} must be ${count} numbers, ${meaning}`, value);
  }

  /** A side of a picture. */
  side(field: string): number {
    const value = this.number(field);
    return Number.isInteger(value) && value > 0
      ? value
      : this.fail(`${field} must be a positive whole number`, value);
  }

  box(field: string): Rectangle {
    const box = this.numbers(field, 4, "left, top, width and height");
    const [left, top, width, height] = box as [number, number, number, number];
    if (width < 0 || height < 0 || !box.every(Number.isFinite)) {
      this.fail(`${field} must have finite numbers and no negative side`, box);
    }
    return { left, top, width, height };
  }

  /** Lists of three corners or more, or run lengths, as numbers or text, that cover the picture. */
  shape(field: string, picture: CocoPicture): CocoShape | undefined {
    const value = this.element.value[field];
    if (typeof value !== "object" || value === null) return undefined;
    if (!Array.isArray(value)) return { runs: this.runs(field, value, picture) };
    for (const [i, outline] of value.entries()) {
      if (!isListOf(outline, "number") || outline.length < 6 || outline.length % 2 > 0) {
        this.fail(`${field}[${i}] must be three pairs of numbers or more`, outline);
      }
    }
    return value.length > 0 ? { outlines: value.map((outline) => Float32Array.from(outline)) } : undefined;
  }

  private runs(field: string, { size, counts }: { size?: unknown; counts?: unknown }, picture: CocoPicture) {
    const { width, height } = picture;
    if (!isListOf(size, "number") || `${size}` !== `${[height, width]}`) {
      this.fail(`${field}.size must be [${height}, ${width}], height and width of its picture`, size);
    }
    const runs = typeof counts === "string" ? runsOfText(counts) : counts;
    const isRuns = isListOf(runs, "number") && runs.every((run) => Number.isInteger(run) && run >= 0);
    if (!isRuns || runs.reduce((sum, run) => sum + run, 0) !== width * height) {
      this.fail(`${field}.counts must be run lengths of ${width * height} pixels together`, counts);
    }
    return Uint32Array.from(runs as number[]);
  }

  key<V>(field: string, known: ReadonlyMap<number, V>): V {
    const id = this.number(field);
    return known.get(id) ?? this.fail(`${field} must be an id of the file`, id);
  }

  fail(must: string, got: unknown): never {
    const { key, index, at } = this.element;
    const what = Array.isArray(got) ? `${got.length} values, ${shown(got)}` : shown(got);
    throw new Error(`${this.name}: ${key}[${index}] (byte ${at}): ${must}; got ${what}`);
  }
}

const isListOf = <T extends "string" | "number">(
  value: unknown,
  type: T,
): value is (T extends "string" ? string : number)[] =>
  Array.isArray(value) && value.every((item) => typeof item === type);

/** Names a background has where it is a category: nobody's part. */
const BACKGROUND = /^_*background_*$/i;

/** The parts that categories have: the keypoints' names where there are any, otherwise the categories themselves. */
export function cocoPartNames({ categories }: CocoNames): string[] {
  const named = [...categories.values()].flatMap(({ keypoints }) => keypoints);
  const own = [...categories.values()].map(({ name }) => name).filter((name) => !BACKGROUND.test(name));
  return [...new Set(named.length > 0 ? named : own)];
}

/** What of an object is a part among those names: its visible keypoints, or itself as far as it lies in the picture. */
export function cocoPlaces(
  { id, picture, category, isCrowd, box, keypoints }: CocoObject,
  partNames: readonly string[],
): { points: PartPoint[]; regions: PartRegion[] } {
  if (category.keypoints.length > 0) {
    const points = keypoints.flatMap(({ part, x, y, isVisible }) =>
      isVisible ? [{ part: partNames.indexOf(category.keypoints[part]!), x, y, object: id }] : [],
    );
    return { points, regions: [] };
  }
  const part = partNames.indexOf(category.name);
  return { points: [], regions: part < 0 || isCrowd ? [] : [{ part, ...boxWithin(box, picture) }] };
}
