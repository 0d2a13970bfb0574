import { join } from "node:path";
import { expect, test } from "vitest";
import { listFolder } from "../../../src/cli/system/listing.ts";
import { type FolderEntry, folderOf } from "../../../src/data/folder.ts";
import { coco } from "../../../src/data/parts/cocoFolder.ts";
import { fillShape, runsOfText } from "../../../src/data/parts/cocoShape.ts";
import { findParts } from "../../../src/data/parts/findParts.ts";
import { IGNORED } from "../../../src/data/parts/labelMask.ts";
import { dataFolder } from "../dataFolder.ts";
import { file, pictures } from "../listed.ts";

const PERSON = { id: 1, name: "person", keypoints: ["nose", "right_wrist", "left_ankle"] };
const IMAGES = [
  { id: 5, file_name: "a.jpg", width: 200, height: 100 },
  { id: 6, file_name: "b.jpg", width: 200, height: 100 },
  { id: 7, file_name: "gone.jpg", width: 200, height: 100 },
];
const BOX = { bbox: [1, 2, 30, 40], iscrowd: 0 };

/** A file as COCO writes it, categories last. */
const json = (
  annotations: unknown[],
  categories: unknown[] = [PERSON],
  images: unknown[] = IMAGES,
): FolderEntry =>
  file(
    "annotations/person_keypoints_train2017.json",
    new TextEncoder().encode(JSON.stringify({ info: {}, images, annotations, categories })),
  );

const person = (id: number, image_id: number, ...keypoints: number[]) => ({
  id,
  image_id,
  category_id: 1,
  keypoints,
  ...BOX,
});
const PICTURES = pictures("train2017/a.jpg", "train2017/b.jpg", "val2017/a.jpg");

const read = async (entry: FolderEntry, outlines = false) => {
  const notes: string[] = [];
  const options = {
    split: "train",
    path: "coco",
    note: (text: string) => notes.push(text),
    outlines,
  } as const;
  return { ...(await coco.read(folderOf([entry, ...PICTURES]), options)), notes };
};

test("keypoints that are seen are points of their person", async () => {
  const { partNames, usual, pictures, notes } = await read(
    json([
      person(41, 6, 10, 20, 2, 30, 40, 1, 0, 0, 0),
      person(42, 5, 0, 0, 0, 0, 0, 0, 5, 6, 2),
      person(43, 6, 0, 0, 0, 50.5, 60, 2, 0, 0, 0),
      person(44, 7, 1, 1, 2, 0, 0, 0, 0, 0, 0),
      { id: 45, image_id: 5, category_id: 1, ...BOX, iscrowd: 1 },
    ]),
  );
  expect(partNames).toEqual(PERSON.keypoints);
  expect(usual).toEqual(PERSON.keypoints);
  expect(
    pictures.map(({ file, annotated, points, regions }) => [file.path, annotated, points, regions]),
  ).toEqual([
    [
      "train2017/b.jpg",
      { width: 200, height: 100 },
      [
        { part: 0, x: 10, y: 20, object: 41 },
        { part: 1, x: 50.5, y: 60, object: 43 },
      ],
      [],
    ],
    ["train2017/a.jpg", { width: 200, height: 100 }, [{ part: 2, x: 5, y: 6, object: 42 }], []],
  ]);
  expect(notes).toEqual([
    "coco: 1 pictures of annotations/person_keypoints_train2017.json are not there and left out (gone.jpg)",
  ]);
});

test("points of parts that are not asked for take no memory", async () => {
  const folder = folderOf([json([person(41, 5, 1, 2, 2, 3, 4, 2, 5, 6, 2)]), ...PICTURES]);
  const parts = async (...asked: string[]) => {
    const found = await coco.read(folder, { split: "train", path: "coco", parts: asked });
    expect(found.partNames).toEqual(PERSON.keypoints);
    return found.pictures.flatMap(({ points }) => points.map(({ part }) => part));
  };
  expect(await parts("left_ankle", "nose")).toEqual([0, 2]);
  expect(await parts("wrist")).toEqual([]);
});

/** These pixels (x, y) of 200 x 100 as run lengths, of each column downwards. */
function runsOf(...pixels: [x: number, y: number][]) {
  const inside = new Uint8Array(200 * 100);
  for (const [x, y] of pixels) inside[x * 100 + y] = 1;
  const counts = [0];
  inside.forEach((value, at) => {
    if (value !== (at === 0 ? 0 : inside[at - 1])) counts.push(0);
    counts[counts.length - 1]!++;
  });
  return { size: [100, 200], counts };
}

test("run lengths come as numbers or as COCO's text", () => {
  // What pycocotools writes of 100 x 100 pixels whose upper right quarter is inside.
  const quarter = [5000, ...new Array(100).fill(50)];
  expect(runsOfText(`Xl4b1b1${"0".repeat(98)}`)).toEqual(quarter);
  expect(runsOfText("`[T23PVe3Z1`jZLdN_dQ3>P\\nLb0")).toEqual([
    70_000, 3, 120_000, 45, 16, 1, 99_999, 15, 31, 33,
  ]);
  for (const wrong of ["\x1f", "a", "é", "oooooooo1"])
    expect([wrong, runsOfText(wrong)]).toEqual([wrong, null]);
  const mask = { width: 100, height: 100, labels: new Uint16Array(10_000) };
  fillShape(mask, { runs: Uint32Array.from(quarter) }, 5);
  expect(mask.labels).toEqual(
    Uint16Array.from({ length: 10_000 }, (_, i) => (i % 100 >= 50 && i < 5000 ? 5 : 0)),
  );
});

test("run lengths that are not of their picture are refused", async () => {
  const door = { id: 1, name: "door" };
  const refused = (segmentation: unknown) =>
    expect(read(json([{ id: 1, image_id: 5, category_id: 1, ...BOX, segmentation }], [door]))).rejects;
  await refused({ size: [200, 100], counts: [20_000] }).toThrow(
    "segmentation.size must be [100, 200], height and width of its picture; got 2 values, [200,100]",
  );
  for (const counts of [[1, 2], [-1, 20_001], "\x1f", undefined, [19_999.5, 0.5]]) {
    await refused({ size: [100, 200], counts }).toThrow(
      "segmentation.counts must be run lengths of 20000 pixels together; got",
    );
  }
});

test("outlines are regions and masks of their category", async () => {
  const categories = [
    { id: 3, name: "_background_" },
    { id: 4, name: "wheel" },
    { id: 9, name: "door" },
  ];
  const outlined = (id: number, category_id: number, segmentation: unknown, iscrowd: unknown = 0) => ({
    id,
    image_id: 5,
    category_id,
    bbox: [10, 0, 4, 2],
    segmentation,
    iscrowd,
  });
  const entry = json(
    [
      outlined(1, 9, [[10, 0, 14, 0, 14, 2, 10, 2]]),
      outlined(2, 4, [[12, 0.6, 13, 0.6, 13, 1.6, 12, 1.6]], false),
      outlined(3, 4, runsOf([7, 20], [9, 0], [12, 0], [13, 0]), true),
      outlined(4, 4, runsOf([20, 50], [20, 51], [21, 50])),
      { ...outlined(5, 9, []), bbox: [13, 1, 3, 1] },
    ],
    categories,
  );
  const { partNames, pictures, notes } = await read(entry, true);
  expect(partNames).toEqual(["wheel", "door"]);
  expect(pictures[0]!.regions.map(({ part }) => part)).toEqual([1, 0, 0, 1]);
  expect(pictures[0]!.regions[0]).toEqual({ part: 1, left: 10, top: 0, width: 4, height: 2 });
  const { labels, width } = await pictures[0]!.mask!();
  // Of the crowd and of the box without an outline, which are ignored, only what no outline covers.
  expect([...labels.subarray(8, 15)]).toEqual([0, IGNORED, 2, 2, 2, 2, 0]);
  expect([...labels.subarray(width + 9, width + 17)]).toEqual([0, 2, 2, 1, 2, IGNORED, IGNORED, 0]);
  expect([...labels.subarray(20 * width + 7, 20 * width + 9)]).toEqual([IGNORED, 0]);
  expect([20, 21].map((x) => [labels[50 * width + x], labels[51 * width + x]])).toEqual([
    [1, 1],
    [1, 0],
  ]);
  expect(labels.filter((label) => label > 0)).toHaveLength(15);
  expect(notes.map((text) => text.replace(/ of annotations.*json/, ""))).toEqual([
    "coco: 1 crowds are no parts, and their pixels are ignored: they outline many objects at once",
    "coco: 1 parts have no outline: the pixels of their boxes are ignored",
  ]);
  // Where doors do not count, nothing of theirs is ignored, and a picture of crowds alone is none.
  const folder = folderOf([entry, ...PICTURES]);
  const wheels = await coco.read(folder, { split: "train", path: "coco", outlines: true, parts: ["wheel"] });
  const ofWheels = (await wheels.pictures[0]!.mask!()).labels;
  expect([ofWheels[9], ofWheels[width + 14]]).toEqual([IGNORED, 0]);
  const crowd = json([outlined(3, 4, runsOf([1, 1]), true)], categories);
  expect((await read(crowd, true)).pictures).toEqual([]);
  expect((await read(entry)).pictures[0]!.mask).toBeUndefined();
});

test("boxes end at the edge of their picture", async () => {
  const door = { id: 1, name: "door" };
  const boxes = [
    [0, 0, 200_000, 200_000],
    [-5.5, 90, 20, 20.25],
    [10.1, 20.2, 30.3, 40.4],
    [200, 3, 5, 5],
    [-9, 3, 5, 5],
  ];
  const objects = boxes.map((bbox, id) => ({ id, image_id: 5, category_id: 1, bbox }));
  const [picture] = (await read(json(objects, [door]))).pictures;
  expect(picture!.regions).toEqual(
    [
      [0, 0, 200, 100],
      [0, 90, 14.5, 10],
      [10.1, 20.2, 30.3, 40.4],
      [200, 3, 0, 5],
      [0, 3, 0, 5],
    ].map(([left, top, width, height]) => ({ part: 0, left, top, width, height })),
  );
});

test("a file's own name tells its split, a folder only where no name does", async () => {
  const named = (path: string, label: string) => ({
    ...json([person(41, 5, 1, 1, 2, 2, 2, 2, 0, 0, 0)], [{ ...PERSON, keypoints: [label, "b", "c"] }]),
    path,
  });
  const found = async (split: "train" | "test", ...entries: FolderEntry[]) => {
    const folder = folderOf([...entries, ...pictures("trainval2017/{test2017,train2017,val2017}/a.jpg")]);
    const { partNames, pictures: read } = await coco.read(folder, { split, path: "coco" });
    return read.flatMap(({ file, points }) => [partNames[points[0]!.part], file.path]);
  };
  const unpacked = "annotations_trainval2017/annotations";
  const train = named(`${unpacked}/person_keypoints_train2017.json`, "of train");
  const val = named(`${unpacked}/person_keypoints_val2017.json`, "of val");
  expect(await found("train", train, val)).toEqual(["of train", "trainval2017/train2017/a.jpg"]);
  expect(await found("test", train, val)).toEqual(["of val", "trainval2017/val2017/a.jpg"]);
  const inFolders = ["train", "valid"].map((name) => named(`${name}/_annotations.coco.json`, name));
  expect((await found("train", ...inFolders))[0]).toBe("train");
  expect((await found("test", ...inFolders))[0]).toBe("valid");
  for (const entry of [train, named(`${unpacked}/person_keypoints_trainval.json`, "of both")]) {
    await expect(found("test", entry)).rejects.toThrow("must hold a JSON file of annotations to test");
  }
});

test("both splits have the parts of the training file in its order, then those that it lacks", async () => {
  const named = (split: string, ...categories: string[]) => ({
    ...json(
      [{ id: 1, image_id: 5, category_id: 0, ...BOX }],
      categories.map((name, id) => ({ id, name })),
    ),
    path: `annotations/${split}.json`,
  });
  const train = named("train", "wheel", "door");
  const val = named("val", "door", "roof", "wheel");
  const parts = async (split: "train" | "test", ...entries: FolderEntry[]) => {
    const folder = folderOf([...entries, ...PICTURES]);
    expect(coco.isIn(folder)).toBe(true);
    const { partNames, pictures } = await coco.read(folder, { split, path: "coco" });
    return [...partNames, pictures[0]!.regions[0]!.part];
  };
  expect(await parts("train", train, val)).toEqual(["wheel", "door", 0]);
  expect(await parts("test", train, val)).toEqual(["wheel", "door", "roof", 1]);
  expect(await parts("test", val)).toEqual(["door", "roof", "wheel", 0]);
});

test("what is broken is named by its place in the file", async () => {
  const good = person(1, 5, 1, 1, 2, 2, 2, 2, 3, 3, 2);
  const wrong: [unknown, string][] = [
    [
      { ...good, keypoints: [1, 2, 2] },
      "keypoints must be 9 numbers, three for each of 3 points of person; got 3 values, [1,2,2]",
    ],
    [{ ...good, keypoints: [1, 1, 3, 2, 2, 2, 3, 3, 2] }, "keypoints[2] must be 0, 1 or 2; got 3"],
    [{ ...good, image_id: 8 }, "image_id must be an id of the file; got 8"],
    [{ ...good, category_id: 2 }, "category_id must be an id of the file; got 2"],
    [{ ...good, bbox: [1, 2, 3] }, "bbox must be 4 numbers, left, top, width and height"],
    [{ ...good, bbox: [1, 2, -3, 4] }, "bbox must have finite numbers and no negative side; got 4 values"],
    [{ ...good, id: "1" }, 'id must be a number; got "1"'],
  ];
  for (const [annotation, message] of wrong) {
    await expect(read(json([good, annotation]))).rejects.toThrow(
      /^annotations\/person_keypoints_train2017\.json: annotations\[1\] \(byte \d+\): /,
    );
    await expect(read(json([good, annotation]))).rejects.toThrow(message);
  }
  const door = { id: 1, name: "door" };
  await expect(read(json([{ ...good, segmentation: [[1, 2, 3, 4]] }], [door]))).rejects.toThrow(
    "segmentation[0] must be three pairs of numbers or more; got 4 values",
  );
  for (const width of [0, 1.5, -200]) {
    await expect(read(json([], [PERSON], [{ ...IMAGES[0], width }]))).rejects.toThrow(
      `width must be a positive whole number; got ${width}`,
    );
  }
  await expect(read(json([], [PERSON], []))).rejects.toThrow(
    "must have a list images, as COCO's files do; got none",
  );
  const options = { split: "test", path: "coco" } as const;
  await expect(coco.read(folderOf([json([]), ...PICTURES]), options)).rejects.toThrow(
    "coco: must hold a JSON file of annotations to test; got none of that name",
  );
});

const counts = async (folder: string, more: Partial<Parameters<typeof findParts>[1]> = {}) => {
  const { files } = await listFolder(folder);
  const found = await Promise.all(
    (["train", "test"] as const).map((split) => findParts(files, { split, path: folder, ...more })),
  );
  return found.map(({ parts, pictures }) => {
    const squares = pictures.flatMap((picture) => picture.squares);
    return { parts, counts: parts.map((_, part) => squares.filter((square) => square.part === part).length) };
  });
};

test("COCO's persons give the crops of the paper's rule in both variants", async (context) => {
  const folder = join(dataFolder(context), "coco-kp-mini");
  for (const side of ["text", "code"] as const) {
    expect(await counts(folder, { side })).toEqual([
      { parts: ["nose", "right_wrist", "left_ankle"], counts: [25, 32, 22] },
      { parts: ["nose", "right_wrist", "left_ankle"], counts: [17, 20, 14] },
    ]);
  }
});

test("the parts of cars are all 3,884 polygons", async (context) => {
  const [train, test] = await counts(join(dataFolder(context), "carparts"));
  expect([train!.parts.length, test!.parts.length]).toEqual([18, 18]);
  expect(train!.counts.reduce((a, b) => a + b)).toBe(3073);
  expect(test!.counts.reduce((a, b) => a + b)).toBe(811);
});
