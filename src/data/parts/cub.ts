/**
 * CUB-200-2011 as its archive unpacks: birds with a box, fifteen parts and the official split. Tables of text, one line a
 * picture or part, whose first column is a number of `images.txt` or `parts/parts.txt`; numbers need not be without gaps.
 * `image_sizes.txt` (number, width, height) is not in the archive: it goes with copies of the pictures in another size.
 * Source: https://www.vision.caltech.edu/datasets/cub_200_2011/.
 */
import { type Folder, type FolderEntry, fileIn, filesFrom, pathBelow } from "../folder.ts";
import { nameSome } from "../folderLayout.ts";
import type { PartPoint } from "../partSquares.ts";
import type { Rectangle } from "../resize.ts";
import type { PartAnnotations, PartFormat } from "./partFormat.ts";
import { tableRows } from "./table.ts";

/** One bird. Coordinates are pixels of the picture as it was annotated. */
export interface CubPicture {
  /** Path below images/. */
  path: string;
  isTraining: boolean;
  /** Index in `species`. */
  label: number;
  box: Rectangle;
  /** Visible parts; `part` is an index in `partNames`. */
  points: PartPoint[];
  annotated?: { width: number; height: number };
}

export interface Cub {
  species: string[];
  partNames: string[];
  pictures: CubPicture[];
}

/** The tables by the names they have in the archive. `image_sizes.txt` may be missing. */
export type CubTables = Record<CubTable, FolderEntry> & { sizes?: FolderEntry };

const TABLES = {
  images: "images.txt",
  classes: "classes.txt",
  labels: "image_class_labels.txt",
  split: "train_test_split.txt",
  boxes: "bounding_boxes.txt",
  parts: "parts/parts.txt",
  locations: "parts/part_locs.txt",
} as const;
type CubTable = keyof typeof TABLES;

/** The parts of the paper, in the order of its labels. */
const USUAL = ["right eye", "right leg", "left wing", "tail"];

/** Reads the tables. Every picture must have its line in each, and one for each part; parts that are not visible are no points. */
export async function readCub(tables: CubTables): Promise<Cub> {
  const [species, classes] = namesOf(await tableRows(tables.classes, 2));
  const [partNames, parts] = namesOf(await tableRows(tables.parts, 2));
  const pictures = new Map<number, Partial<CubPicture> & Pick<CubPicture, "path" | "points">>();
  for (const row of await tableRows(tables.images, 2)) {
    const number = row.integer(0, "a picture's number");
    if (pictures.has(number)) row.fail("a picture's number that no line before has in column 1");
    pictures.set(number, { path: row.word(1, "a path"), points: [] });
  }
  for (const row of await tableRows(tables.labels, 2)) {
    row.key(0, "a picture's number", pictures).label = row.key(1, "a class's number", classes);
  }
  for (const row of await tableRows(tables.split, 2)) {
    row.key(0, "a picture's number", pictures).isTraining = row.integer(1, "0 or 1", 0, 1) === 1;
  }
  for (const row of await tableRows(tables.boxes, 5)) {
    const [left, top, width, height] = [1, 2, 3, 4].map((i) => row.number(i, "x, y, width or height"));
    row.key(0, "a picture's number", pictures).box = {
      left: left!,
      top: top!,
      width: width!,
      height: height!,
    };
  }
  for (const row of tables.sizes ? await tableRows(tables.sizes, 4) : []) {
    const [width, height] = [1, 2].map((i) => row.integer(i, "width or height", 1));
    row.key(0, "a picture's number", pictures).annotated = { width: width!, height: height! };
  }
  const located = new Map([...pictures.values()].map((picture) => [picture, new Set<number>()]));
  for (const row of await tableRows(tables.locations, 5)) {
    const picture = row.key(0, "a picture's number", pictures);
    const part = row.key(1, "a part's number", parts);
    const own = located.get(picture)!;
    if (own.has(part)) row.fail(`a part that no line before has for ${picture.path} in column 2`);
    own.add(part);
    const [x, y] = [row.number(2, "x"), row.number(3, "y")];
    if (row.integer(4, "0 or 1", 0, 1) === 1) picture.points.push({ part, x, y, object: 0 });
  }
  for (const [picture, own] of located) {
    const without = (["label", "isTraining", "box"] as const).find((key) => picture[key] === undefined);
    const table = { label: "labels", isTraining: "split", box: "boxes" } as const;
    if (without) {
      throw new Error(
        `${tables[table[without]].path}: must have a line for every picture; got none for ${picture.path}`,
      );
    }
    if (own.size < parts.size) {
      throw new Error(
        `${tables.locations.path}: must have a line for each of ${parts.size} parts of every picture; ` +
          `got ${own.size} for ${picture.path}. The file may be cut`,
      );
    }
  }
  return { species, partNames, pictures: [...pictures.values()] as CubPicture[] };
}

/** A table of number and name: the names, and the index of each number. */
function namesOf(rows: Awaited<ReturnType<typeof tableRows>>): [string[], Map<number, number>] {
  const names = rows.map((row) => row.word(1, "a name"));
  return [names, new Map(rows.map((row, i) => [row.integer(0, "a number"), i]))];
}

/** The tables of a folder; undefined for those that are missing. */
function tableIn(folder: Folder, name: string): FolderEntry | undefined {
  const [first, second] = name.split("/");
  if (second === undefined) return fileIn(folder, first!);
  const inside = folder.folders.get(first!);
  return inside && fileIn(inside, second);
}

export const cub: PartFormat = {
  name: "CUB-200-2011",
  holds: "images.txt, parts/part_locs.txt and the other tables beside images/, as unpacked",
  isIn: (folder) => tableIn(folder, TABLES.images) !== undefined && folder.folders.has("parts"),
  async read(folder, { split, path, note }): Promise<PartAnnotations> {
    const found = Object.entries(TABLES).map(([key, name]) => [key, tableIn(folder, name), name] as const);
    const missing = found.filter(([, file]) => file === undefined).map(([, , name]) => name);
    if (missing.length > 0) {
      throw new Error(`${path}: must hold the tables of CUB-200-2011; ${nameSome(missing)} is missing`);
    }
    const tables = Object.fromEntries(found.map(([key, file]) => [key, file!]));
    const { partNames, pictures } = await readCub({
      ...(tables as Record<CubTable, FolderEntry>),
      sizes: tableIn(folder, "image_sizes.txt"),
    });
    const images = folder.folders.get("images");
    const files = new Map(images && filesFrom(images).map((file) => [pathBelow(images, file), file]));
    const ofSplit = pictures.filter(({ isTraining }) => isTraining === (split === "train"));
    const there = ofSplit.flatMap(({ path: name, points, annotated, box }) => {
      const file = files.get(name);
      return file ? [{ file, points, regions: [], annotated, box }] : [];
    });
    if (there.length < ofSplit.length) {
      note?.(
        `${path}: images.txt names ${ofSplit.length} pictures to ${split}; ${there.length} are there and read`,
      );
    }
    return { partNames, usual: USUAL, pictures: there };
  },
};
