import { expect, test } from "vitest";
import { type FolderEntry, folderOf } from "../../../src/data/folder.ts";
import { decodeMask, IGNORED, labelBoxes } from "../../../src/data/parts/labelMask.ts";
import { LIP_PARTS, lip } from "../../../src/data/parts/lip.ts";
import { masks } from "../../../src/data/parts/maskFolder.ts";
import type { PartFormat } from "../../../src/data/parts/partFormat.ts";
import { grayPng, pngOf } from "../../cli/png.ts";
import { file, pictures } from "../listed.ts";

test("labels are gray values or palette indices of any depth, never colours", () => {
  const bits = decodeMask("m.png", pngOf(10, [[0b10100000, 0b01000000]], { depth: 1, type: 0 }));
  expect([...bits.labels]).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
  const palette = pngOf(3, [[0x12, 0x30]], {
    depth: 4,
    type: 3,
    palette: [9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6, 6],
  });
  expect([...decodeMask("m.png", palette).labels]).toEqual([1, 2, 3]);
  expect([...decodeMask("m.png", grayPng(2, [0, 200, 255, 7])).labels]).toEqual([0, 200, 255, 7]);
  const deep = pngOf(2, [[1, 2, 255, 255]], { depth: 16, type: 0 });
  expect([...decodeMask("m.png", deep).labels]).toEqual([258, 65535]);
  const alpha = pngOf(2, [[5, 255, 6, 0]], { type: 4 });
  expect([...decodeMask("m.png", alpha).labels]).toEqual([5, 6]);
  expect(() => decodeMask("m.png", pngOf(1, [[1, 2, 3]], { type: 2 }))).toThrow(
    "decode: m.png must be a PNG of a kind that is read (for labels: palette or gray); got one of colours",
  );
});

test("the box of a label is around all its pixels", () => {
  const labels = Uint16Array.of(0, 0, 0, 0, 3, 0, 3, 0, 0, 3, 3, 7);
  expect([...labelBoxes({ width: 4, height: 3, labels })]).toEqual([
    [0, { left: 0, top: 0, width: 4, height: 3 }],
    [3, { left: 0, top: 1, width: 3, height: 2 }],
    [7, { left: 3, top: 2, width: 1, height: 1 }],
  ]);
});

const text = (path: string, content: string): FolderEntry => file(path, new TextEncoder().encode(content));
const MASK = grayPng(2, [0, 2, 255, 9]);

async function read(format: PartFormat, entries: FolderEntry[], split: "train" | "test" = "train") {
  const notes: string[] = [];
  const folder = folderOf(entries);
  expect(format.isIn(folder)).toBe(true);
  return {
    ...(await format.read(folder, { split, path: "set", note: (sentence) => notes.push(sentence) })),
    notes,
  };
}

test("pictures and masks of the same names, in folders of any of their usual names", async () => {
  for (const [images, masksIn, train] of [
    ["images", "annotations", "training"],
    ["img", "ann", "train"],
    ["JPEGImages", "SegmentationClass", "train"],
    ["train_val_images", "labels", "train2017"],
  ]) {
    const entries = [
      ...pictures(`${images}/${train}/{a,b}.jpg`, `${images}/validation/c.jpg`),
      ...["a", "c"].map((name) => file(`${masksIn}/${name === "c" ? "val" : train}/${name}.png`, MASK)),
      text("classes.txt", "0 nothing\n2: front wheel\n4\tdoor\n"),
    ];
    const found = await read(masks, entries);
    expect(found.partNames).toEqual(["front wheel", "door"]);
    expect(found.pictures.map(({ file, annotated, regions }) => [file.path, annotated, regions])).toEqual([
      [
        `${images}/${train}/a.jpg`,
        { width: 2, height: 2 },
        [{ part: 0, left: 1, top: 0, width: 1, height: 1 }],
      ],
    ]);
    expect([...(await found.pictures[0]!.mask!()).labels]).toEqual([0, 1, IGNORED, 0]);
    expect(found.notes).toEqual([
      "set: 1 pictures or masks to train lack their picture or mask and are left out",
      "set: 1 regions are left out whose labels have no name (9)",
    ]);
    expect((await read(masks, entries, "test")).pictures[0]!.file.path).toBe(`${images}/validation/c.jpg`);
  }
});

test("the test split is test where it has masks, otherwise val", async () => {
  const entries = [
    ...pictures("images/{test,val}/a.jpg", "images/train/b.jpg"),
    file("masks/val/a.png", MASK),
    text("classes.txt", "2 door\n"),
  ];
  const paths = async (...more: FolderEntry[]) =>
    (await read(masks, [...entries, ...more], "test")).pictures.map((picture) => picture.file.path);
  expect(await paths()).toEqual(["images/val/a.jpg"]);
  expect(await paths(file("masks/test/a.png", MASK))).toEqual(["images/test/a.jpg"]);
});

test("names come from ADE's table, or are the numbers", async () => {
  const entries = [...pictures("images/train/a.jpg"), file("annotations/train/a.png", MASK)];
  const table =
    "Idx\tRatio\tTrain\tVal\tStuff\tName\n2\t0.15\t11664\t1172\t1\twall, side\n9\t0.1\t6046\t612\t1\tsky\n";
  expect((await read(masks, [...entries, text("objectInfo150.txt", table)])).partNames).toEqual([
    "wall, side",
    "sky",
  ]);
  const numbered = await read(masks, entries);
  expect([numbered.partNames.length, numbered.partNames[8]]).toEqual([9, "label 9"]);
  expect(numbered.pictures[0]!.regions.map(({ part }) => part)).toEqual([1, 8]);
  await expect(read(masks, [...entries, text("classes.txt", "1 a\nb\n")])).rejects.toThrow(
    `classes.txt: line 2 must have a label's number and its name; got "b"`,
  );
  for (const [lines, message] of [
    ["1 a\n\n2 b\n1 c\n", 'line 4 must have a label that no line before has; got "1 c"'],
    ["a\nb\n", `line 1 must have a label's number and its name; got "a"`],
    ["names\n", `line 1 must have a label's number and its name; got "names"`],
  ]) {
    await expect(read(masks, [...entries, text("classes.txt", lines!)])).rejects.toThrow(
      `classes.txt: ${message}`,
    );
  }
});

test("both splits have the same numbered parts", async () => {
  const entries = [
    ...pictures("images/train/a.jpg", "images/val/b.jpg"),
    file("masks/train/a.png", grayPng(2, [0, 1, 3, 255])),
    file("masks/val/b.png", grayPng(1, [2])),
  ];
  for (const split of ["train", "test"] as const) {
    const { partNames, pictures: found } = await read(masks, entries, split);
    expect([split, found.length, ...partNames]).toEqual([split, 1, "label 1", "label 2", "label 3"]);
  }
});

test("what does not pair is refused", async () => {
  const mask = file("masks/train/a.png", MASK);
  await expect(read(masks, [...pictures("images/train/b.jpg"), mask])).rejects.toThrow(
    "set: must hold pictures and masks of the same names in folders of the split for train; got 1 pictures and 1 masks",
  );
  await expect(read(masks, [...pictures("images/train/{1,2}/a.jpg"), mask])).rejects.toThrow(
    "images/train/2/a.jpg: must have a name of its own; got that of images/train/1/a.jpg",
  );
  await expect(
    read(masks, [...pictures("images/train/a.jpg"), file("masks/train/a.png", MASK.subarray(0, 50))]),
  ).rejects.toThrow("masks/train/a.png must be a whole PNG file");
});

test("LIP's lists choose its pictures, its labels have names", async () => {
  const entries = [
    ...pictures("Testing_images/testing_images/7_8.jpg"),
    ...pictures("TrainVal_images/train_images/{1_2,3_4}.jpg", "TrainVal_images/val_images/5_6.jpg"),
    file("TrainVal_parsing_annotations/train_segmentations/1_2.png", grayPng(2, [0, 13, 19, 20])),
    file("TrainVal_parsing_annotations/val_segmentations/5_6.png", grayPng(1, [13])),
    text("train_id.txt", "1_2\n3_4\n"),
    text("val_id.txt", "5_6\n"),
  ];
  const toTest = entries.filter(({ path }) => !path.includes("train"));
  expect((await read(lip, toTest, "test")).pictures).toHaveLength(1);
  expect(LIP_PARTS).toHaveLength(19);
  const { pictures: train, partNames, notes } = await read(lip, entries);
  expect(
    train.map(({ file, regions }) => [file.path, ...regions.map(({ part }) => partNames[part])]),
  ).toEqual([["TrainVal_images/train_images/1_2.jpg", "Face", "Right-shoe"]]);
  expect(notes).toEqual([
    "set: 1 names of the list to train lack their picture or mask and are left out",
    "set: 1 regions are left out whose labels have no name (20)",
  ]);
  expect((await read(lip, entries, "test")).pictures).toHaveLength(1);
});
