import { join } from "node:path";
import { expect, test } from "vitest";
import { listFolder } from "../../../src/cli/system/listing.ts";
import type { FolderEntry } from "../../../src/data/folder.ts";
import { folderOf } from "../../../src/data/folder.ts";
import { cub } from "../../../src/data/parts/cub.ts";
import { findParts } from "../../../src/data/parts/findParts.ts";
import { readPartCrops } from "../../../src/data/parts/readPartCrops.ts";
import { openDecoder } from "../codec.ts";
import { dataFolder } from "../dataFolder.ts";
import { entry, file, pictures, toy } from "../listed.ts";

/** The tables of two birds, with numbers that have gaps. */
const TABLES = {
  "images.txt": "7 001.Crow/a.jpg\n9 002.Jay/b c.jpg\n",
  "classes.txt": "1 001.Crow\n2 002.Jay\n",
  "image_class_labels.txt": "7 1\n9 2\n",
  "train_test_split.txt": "7 1\n9 0\n",
  "bounding_boxes.txt": "7 1.0 2.0 30.0 40.0\n9 5.0 6.0 70.0 80.0\n",
  "parts/parts.txt": "1 back\n3 left eye\n",
  "parts/part_locs.txt": "7 1 10.5 11.0 1\n7 3 0.0 0.0 0\n9 1 1.0 2.0 1\r\n9 3 3.0 4.0 1\r\n",
};

const listed = (tables: Record<string, string>): FolderEntry[] => [
  ...Object.entries(tables).map(([path, text]) => file(path, new TextEncoder().encode(text))),
  ...pictures("images/001.Crow/a.jpg", "images/002.Jay/b c.jpg"),
];

const read = (changes: Partial<typeof TABLES> = {}, split: "train" | "test" = "test") =>
  cub.read(folderOf(listed({ ...TABLES, ...changes })), { split, path: "data/cub" });

test("the tables give each split its pictures with their visible parts", async () => {
  expect(cub.isIn(folderOf(listed(TABLES)))).toBe(true);
  const train = await read({}, "train");
  expect(train.partNames).toEqual(["back", "left eye"]);
  expect(train.pictures.map(({ file, points }) => [file.path, points])).toEqual([
    ["images/001.Crow/a.jpg", [{ part: 0, x: 10.5, y: 11, object: 0 }]],
  ]);
  const { pictures } = await read();
  expect(pictures.map(({ file, points }) => [file.path, points.length])).toEqual([
    ["images/002.Jay/b c.jpg", 2],
  ]);
});

test("what is broken is named by file and line", async () => {
  const wrong: [Partial<typeof TABLES>, string][] = [
    [
      { "train_test_split.txt": "7 1\n\n9 2\n" },
      'train_test_split.txt: line 3 must have 0 or 1, an integer 0 to 1, in column 2; got "9 2"',
    ],
    [
      { "parts/part_locs.txt": "7 1 10.5 x 1\n" },
      "parts/part_locs.txt: line 1 must have a number, y, in column 4",
    ],
    [
      { "parts/part_locs.txt": "7 2 1 1 1\n" },
      "parts/part_locs.txt: line 1 must have a part's number that exists in column 2",
    ],
    [
      { "parts/part_locs.txt": "8 1 1 1 1\n" },
      "parts/part_locs.txt: line 1 must have a picture's number that exists in column 1",
    ],
    [{ "parts/part_locs.txt": "7 1 1.5 2\n" }, "parts/part_locs.txt: line 1 must have 0 or 1 in column 5"],
    [
      { "image_class_labels.txt": "7 1\n" },
      "image_class_labels.txt: must have a line for every picture; got none for 002.Jay/b c.jpg",
    ],
    [
      { "parts/part_locs.txt": TABLES["parts/part_locs.txt"].replace(/9 3.*\r\n/, "") },
      "parts/part_locs.txt: must have a line for each of 2 parts of every picture; got 1 for 002.Jay/b c.jpg",
    ],
    [
      { "parts/part_locs.txt": TABLES["parts/part_locs.txt"].replace("9 3", "9 1") },
      "parts/part_locs.txt: line 4 must have a part that no line before has for 002.Jay/b c.jpg in column 2",
    ],
    [
      { "images.txt": "7 001.Crow/a.jpg\n7 002.Jay/b c.jpg\n" },
      "images.txt: line 2 must have a picture's number that no line before has in column 1",
    ],
    [
      { "bounding_boxes.txt": "7 1 2 3\n" },
      "bounding_boxes.txt: line 1 must have x, y, width or height in column 5",
    ],
  ];
  for (const [changes, message] of wrong) await expect(read(changes)).rejects.toThrow(message);
  const { "classes.txt": _, ...rest } = TABLES;
  await expect(cub.read(folderOf(listed(rest)), { split: "test", path: "data/cub" })).rejects.toThrow(
    "data/cub: must hold the tables of CUB-200-2011; classes.txt is missing",
  );
});

test("pictures that are not there are counted", async () => {
  const notes: string[] = [];
  const entries = listed(TABLES).filter(({ path }) => !path.includes("Jay"));
  const { pictures } = await cub.read(folderOf(entries), {
    split: "test",
    path: "cub",
    note: (text) => notes.push(text),
  });
  expect(pictures).toEqual([]);
  expect(notes).toEqual(["cub: images.txt names 1 pictures to test; 0 are there and read"]);
});

/** Tables of pictures of 200 x 160 beside files of another size: width and height are the bytes of a file. */
const frames = (jay: [width: number, height: number], changes: Partial<typeof TABLES> = {}, sizes = "") => {
  const points = "7 1 10 10 1\n7 3 60 10 1\n9 1 200.5 100 1\n9 3 120 40 1\n";
  const tables = { ...TABLES, "parts/part_locs.txt": points, ...(sizes && { "image_sizes.txt": sizes }) };
  const entries = listed({ ...tables, ...changes }).filter(({ path }) => !path.includes("Jay"));
  return readPartCrops([...entries, entry("images/002.Jay/b c.jpg", ...jay, 90)], {
    ...{ split: "test", path: "cub", name: "cub", size: 8, parts: "all", openDecoder: async () => toy },
  });
};

test("annotations of another size than the picture has are refused, by points and by the box", async () => {
  expect((await frames([200, 160])).count).toBe(2); // one of them half a pixel beyond the edge
  await expect(frames([150, 120])).rejects.toThrow(
    "images/002.Jay/b c.jpg: what is annotated must lie in the picture, 150 x 120; " +
      "got a part at (200.5, 100). Of another size? Add image_sizes.txt",
  );
  const points = "7 1 10 10 1\n7 3 60 10 1\n9 1 90 70 1\n9 3 20 10 1\n";
  const within = { "parts/part_locs.txt": points };
  const box = (text: string) => ({ ...within, "bounding_boxes.txt": `7 1 2 30 40\n9 ${text}\n` });
  expect((await frames([100, 80], box("5 6 70 77.9"))).count).toBe(2); // over the edge by 3.9 of 80
  await expect(frames([100, 80], box("5 6 70 80"))).rejects.toThrow(
    "must lie in the picture, 100 x 80; got a box from (5, 6) to (75, 86). Of another size? Add image_sizes.txt",
  );
  expect((await frames([100, 80], {}, "7 200 160\n9 200 160\n")).count).toBe(2);
  await expect(frames([100, 80], {}, "7 100 80\n9 100 80\n")).rejects.toThrow(
    "Is it the picture that was annotated?",
  );
});

/** cub20 in the layout of the archive, its pictures at most 320 pixels wide beside tables of the original size. */
async function cub20(folder: string): Promise<FolderEntry[]> {
  const { files } = await listFolder(join(folder, "cub20"));
  return files.flatMap((entry): FolderEntry[] => {
    const [top, name = ""] = entry.path.split(/\/(.*)/);
    if (top === "images") return [entry];
    return top === "meta" ? [{ ...entry, path: name.startsWith("part") ? `parts/${name}` : name }] : [];
  });
}

test("twenty species give the crops of the paper's rule: 3,109 in both variants", async (context) => {
  const entries = await cub20(dataFolder(context));
  for (const side of ["text", "code"] as const) {
    const counts = [0, 0, 0, 0];
    const sizes: number[] = [];
    for (const split of ["train", "test"] as const) {
      const { parts, pictures } = await findParts(entries, { split, path: "cub20", side });
      expect(parts).toEqual(["right eye", "right leg", "left wing", "tail"]);
      const squares = pictures.flatMap((picture) => picture.squares);
      for (const { part } of squares) counts[part]!++;
      sizes.push(squares.length);
    }
    expect([sizes, counts]).toEqual([
      [1595, 1514],
      [579, 855, 609, 1066],
    ]);
  }
});

test("and pictures of them, cut to scale", async (context) => {
  const notes: string[] = [];
  const options = {
    path: "cub20",
    name: "cub20",
    limit: 8,
    size: 32,
    openDecoder,
    note: (text: string) => notes.push(text),
  };
  const crops = await readPartCrops(await cub20(dataFolder(context)), { ...options, split: "test" });
  expect([crops.name, crops.count, ...crops.labels].join(" ")).toMatch(/^cub20-parts-test 8( [0-3]){8}$/);
  expect([0, 1, 2, 3].map((part) => crops.labels.filter((label) => label === part).length)).toEqual([
    2, 2, 2, 2,
  ]);
  expect(new Set(crops.pixels).size).toBeGreaterThan(100);
  expect(notes.join()).toMatch(
    /^cub20: of \d+ parts that are seen, to test, no crop is cut of \d+ whose nearest/,
  );
});
