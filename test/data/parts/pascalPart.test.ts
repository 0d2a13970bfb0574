import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderOf } from "../../../src/data/folder.ts";
import { readMat } from "../../../src/data/parts/matFile.ts";
import { pascalMask, pascalRegions, readPascalPart } from "../../../src/data/parts/pascalPart.ts";
import { PASCAL_PARTS, pascalPart } from "../../../src/data/parts/pascalPartFolder.ts";
import { dataFolder } from "../dataFolder.ts";
import { file, pictures } from "../listed.ts";
import { type Mat, matOf } from "./mat.ts";

const WHEEL = [
  [0, 0, 0, 0],
  [0, 1, 1, 0],
  [0, 0, 1, 0],
];
const BODY = [
  [1, 1, 1, 1],
  [1, 1, 1, 1],
  [0, 0, 0, 0],
];
const EMPTY = [
  [0, 0, 0, 0],
  [0, 0, 0, 0],
  [0, 0, 0, 0],
];
const part = (part_name: string, mask: number[][]) => ({ part_name, mask });
const object = (name: string, parts: Mat) => ({
  class: name,
  class_ind: new Float64Array([7]),
  mask: BODY,
  parts,
});

const ANNOTATION: Mat = {
  struct: [
    {
      imname: "2008_1",
      objects: {
        struct: [
          object("car", {
            struct: [part("roofside", BODY), part("wheel_2", WHEEL), part("window_1", EMPTY)],
          }),
          object("boat", []),
        ],
      },
    },
  ],
};

test("variables of every kind come back from files of either byte order, compressed or not", () => {
  const all = {
    n: new Float64Array([1.5, -2]),
    t: "names",
    m: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    c: { cell: ["é", { struct: [], fields: ["x"] }] },
  };
  for (const isBig of [false, true]) {
    for (const isCompressed of [false, true]) {
      const found = readMat("x.mat", matOf(all, { isBig, isCompressed }));
      expect([...found.keys()]).toEqual(["n", "t", "m", "c"]);
      expect(found.get("n")).toEqual({ kind: "numbers", shape: [1, 2], data: new Float64Array([1.5, -2]) });
      expect(found.get("t")).toEqual({ kind: "text", shape: [1, 5], text: "names" });
      expect(found.get("m")).toEqual({
        kind: "numbers",
        shape: [2, 3],
        data: Uint8Array.of(1, 4, 2, 5, 3, 6),
      });
      expect(found.get("c")).toEqual({
        kind: "cell",
        shape: [1, 2],
        items: [
          { kind: "text", shape: [1, 1], text: "é" },
          { kind: "struct", shape: [1, 0], items: [] },
        ],
      });
    }
  }
});

test("objects have the masks of their parts, row by row", () => {
  for (const isCompressed of [false, true]) {
    const picture = readPascalPart("1.mat", matOf({ anno: ANNOTATION }, { isCompressed }));
    expect(picture.name).toBe("2008_1");
    expect(picture.objects.map(({ name, parts }) => [name, ...parts.map((one) => one.name)])).toEqual([
      ["car", "roofside", "wheel_2", "window_1"],
      ["boat"],
    ]);
    expect(picture.objects[0]!.parts[1]!.mask).toEqual({
      width: 4,
      height: 3,
      inside: Uint8Array.from(WHEEL.flat()),
    });
    expect(pascalRegions(picture)).toEqual([
      { name: "car roofside", box: { left: 0, top: 0, width: 4, height: 2 } },
      { name: "car wheel", box: { left: 1, top: 1, width: 2, height: 2 } },
      { name: "car window", box: { left: 0, top: 0, width: 0, height: 0 } },
    ]);
    expect([...pascalMask(picture, ["car wheel", "car roofside"]).labels]).toEqual([
      2, 2, 2, 2, 2, 1, 1, 2, 0, 0, 1, 0,
    ]);
  }
});

test("a file that is cut, damaged or of another kind is refused in a sentence that names it", () => {
  const whole = matOf({ anno: ANNOTATION });
  for (let length = 0; length < whole.length; length += 13) {
    expect(() => readPascalPart("1.mat", whole.subarray(0, length)), `${length} bytes`).toThrow(/^1\.mat: /);
  }
  const packed = matOf({ anno: ANNOTATION }, { isCompressed: true });
  for (let length = 0; length < packed.length; length += 3) {
    expect(() => readPascalPart("1.mat", packed.subarray(0, length)), `${length} bytes`).toThrow(/^1\.mat: /);
  }
  for (let at = 126; at < whole.length; at++) {
    for (const value of [0, 14, 255]) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = value;
      try {
        readPascalPart("1.mat", damaged);
      } catch (error) {
        expect(String(error), `byte ${at}`).toMatch(/^Error: 1\.mat: /);
      }
    }
  }
  const bytes = matOf({
    anno: { struct: [{ imname: "x", objects: { struct: [{ class: "car", mask: BODY }] } }] },
  });
  expect(() => readPascalPart("1.mat", bytes)).toThrow(
    "1.mat: anno.objects(1) must have a field parts; got class, mask",
  );
  expect(() => readPascalPart("1.mat", matOf({ other: "x" }))).toThrow("1.mat: must hold a variable anno");
});

test("a folder has its splits from the lists, and counts what it leaves out", async () => {
  const text = (path: string, lines: string) => file(path, new TextEncoder().encode(lines));
  const strange: Mat = {
    struct: [{ imname: "b", objects: { struct: [object("car", { struct: [part("sail", BODY)] })] } }],
  };
  const entries = [
    file("Annotations_Part/a.mat", matOf({ anno: ANNOTATION })),
    file("Annotations_Part/b.mat", matOf({ anno: strange })),
    file("Annotations_Part/c.mat", matOf({ anno: strange })),
    ...pictures("JPEGImages/{a,b}.jpg"),
    text("ImageSets/Main/train.txt", "a\nc\n"),
    text("ImageSets/Main/val.txt", "b  1\n"),
    text("ImageSets/Action/train.txt", "b\n"),
  ];
  const notes: string[] = [];
  const read = (split: "train" | "test") =>
    pascalPart.read(folderOf(entries), { split, path: "voc", note: (sentence) => notes.push(sentence) });
  const { pictures: train } = await read("train");
  const names = train[0]!.regions.map((region) => PASCAL_PARTS[region.part]);
  expect([train.length, train[0]!.file.path, ...names]).toEqual([
    1,
    "JPEGImages/a.jpg",
    "car roofside",
    "car wheel",
    "car window",
  ]);
  expect(train[0]!.annotated).toEqual({ width: 4, height: 3 });
  expect((await train[0]!.mask!()).labels[6]).toBe(PASCAL_PARTS.indexOf("car wheel") + 1);
  expect((await read("test")).pictures[0]!.regions).toEqual([]);
  expect(notes).toEqual([
    "voc: 1 annotations to train have no picture and are left out",
    "voc: 1 parts to test are left out whose kinds PASCAL-Part does not list",
  ]);
});

test("pictures are those of JPEGImages, or have names of their own", async () => {
  const read = (...paths: string[]) => {
    const list = file("ImageSets/Main/train.txt", new TextEncoder().encode("a\n"));
    const annotation = file("Annotations_Part/a.mat", matOf({ anno: ANNOTATION }));
    const folder = folderOf([annotation, list, ...pictures(...paths)]);
    return pascalPart.read(folder, { split: "train", path: "voc" });
  };
  const { pictures: found } = await read("VOC2010/{JPEGImages/a.jpg,SegmentationObject/a.png}");
  expect(found.map((picture) => picture.file.path)).toEqual(["VOC2010/JPEGImages/a.jpg"]);
  expect((await read("photos/a.jpg")).pictures[0]!.file.path).toBe("photos/a.jpg");
  await expect(read("photos/a.jpg", "more/a.png")).rejects.toThrow(
    "photos/a.jpg: must have a name of its own; got that of more/a.png",
  );
});

test("a text may be longer than a call may have arguments", () => {
  const long = "ab".repeat(150_000);
  expect(readMat("a.mat", matOf({ long })).get("long")).toEqual({
    kind: "text",
    shape: [1, 300_000],
    text: long,
  });
});

test("eighteen files of PASCAL-Part have 53 objects and 398 parts, of the 193 kinds of the paper", (context) => {
  expect([PASCAL_PARTS.length, new Set(PASCAL_PARTS).size]).toEqual([193, 193]);
  const folder = join(dataFolder(context), "pascalpart18");
  const names = readdirSync(folder).filter((name) => name.endsWith(".mat"));
  const all = names.map((name) => readPascalPart(name, readFileSync(join(folder, name))));
  const parts = all.flatMap(pascalRegions);
  expect([all.length, all.flatMap(({ objects }) => objects).length, parts.length]).toEqual([18, 53, 398]);
  expect(parts.filter(({ name }) => !PASCAL_PARTS.includes(name))).toEqual([]);
  expect(parts.filter(({ box }) => box.width === 0)).toEqual([]);
  expect(parts.filter(({ name }) => name === "person torso")).toHaveLength(18);
});
