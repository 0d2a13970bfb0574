import { join } from "node:path";
import { expect, test } from "vitest";
import { listFolder } from "../../../src/cli/system/listing.ts";
import type { Decoder } from "../../../src/data/decode.ts";
import type { FolderEntry } from "../../../src/data/folder.ts";
import { IGNORED } from "../../../src/data/parts/labelMask.ts";
import { type ReadPartCropsOptions, readPartCrops } from "../../../src/data/parts/readPartCrops.ts";
import { nearestSquare, readPartMasks } from "../../../src/data/parts/readPartMasks.ts";
import { grayPng } from "../../cli/png.ts";
import { openDecoder } from "../codec.ts";
import { dataFolder } from "../dataFolder.ts";
import { entry, file, pictures } from "../listed.ts";

/** A file of two bytes is a picture of that size whose red is the column and whose green is the row. */
const coordinates: Decoder = (_, [width = 1, height = 1]) => {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 0][i % 3]!;
  });
  return { width, height, pixels };
};

const PARTS = ["nose", "right_wrist", "left_ankle", "tail"];
const person = (id: number, image_id: number, ...keypoints: number[]) => ({
  id,
  image_id,
  category_id: 1,
  bbox: [0, 0, 1, 1],
  keypoints: [...keypoints, ...new Array(12 - keypoints.length).fill(0)],
});

/** Two pictures annotated at 200 x 100, the second of them there at half that size. */
const ENTRIES: FolderEntry[] = [
  file(
    "annotations/person_keypoints_train2017.json",
    new TextEncoder().encode(
      JSON.stringify({
        images: [5, 6].map((id) => ({ id, file_name: `${id}.jpg`, width: 200, height: 100 })),
        annotations: [
          person(41, 5, 30, 50, 2, 80, 50, 2, 0, 0, 0),
          person(42, 6, 60, 40, 2, 0, 0, 0, 60, 96, 2),
          person(43, 6, 20, 20, 2, 22, 20, 2),
          person(44, 5, 70, 50, 2),
        ],
        categories: [{ id: 1, name: "person", keypoints: PARTS }],
      }),
    ),
  ),
  entry("train2017/5.jpg", 200, 100),
  entry("train2017/6.jpg", 100, 50),
];

const read = async (options: Partial<ReadPartCropsOptions> = {}, entries = ENTRIES) => {
  const notes: string[] = [];
  const crops = await readPartCrops(entries, {
    name: "coco",
    path: "data/coco",
    split: "train",
    openDecoder: async () => coordinates,
    note: (text) => notes.push(text),
    ...options,
  });
  return { crops, notes };
};

/** Red and green of the first and the last pixel of a crop. */
const corners = ({ pixels, width }: { pixels: Uint8Array; width: number }, crop: number) => {
  const bytes = width * width * 3;
  const own = pixels.subarray(crop * bytes, (crop + 1) * bytes);
  return [...own.subarray(0, 2), ...own.subarray(bytes - 3, bytes - 1)];
};

test("crops have the side of the paper's text, at the scale of the file, and know their picture", async () => {
  const { crops, notes } = await read({ size: 50 });
  expect([crops.name, crops.count, crops.width, ...crops.classes].join(" ")).toBe(
    "coco-parts-train 4 50 nose right_wrist left_ankle",
  );
  expect([...crops.labels]).toEqual([0, 1, 0, 2]);
  expect([...crops.pictures]).toEqual([0, 0, 1, 1]);
  expect(corners(crops, 0)).toEqual([5, 25, 54, 74]); // 30 - 25 .. 30 + 25, 50 - 25 .. 50 + 25
  expect(corners(crops, 1)).toEqual([55, 25, 104, 74]);
  const half = await read({ size: 28 });
  expect(corners(half.crops, 2)).toEqual([16, 6, 43, 33]); // (60 - 28) / 2 .., (40 - 28) / 2 ..
  expect(notes).toEqual([
    "data/coco: of 7 parts that are seen, to train, no crop is cut of 2 whose nearest neighbour is not between 40 and 2000 pixels away and 1 without a neighbour",
  ]);
});

test("or half of it, as in the paper's code", async () => {
  const { crops } = await read({ side: "code", size: 24 }); // r = round(12.5) = 12
  expect(corners(crops, 0)).toEqual([18, 38, 41, 61]);
  expect(crops.count).toBe(4);
});

test("parts and a limit are chosen before a picture is decoded", async () => {
  let decoded = 0;
  const counting: Decoder = (...file) => {
    decoded++;
    return coordinates(...file);
  };
  const { crops } = await read({
    parts: ["right_wrist", "nose"],
    limit: 1,
    openDecoder: async () => counting,
  });
  expect([decoded, crops.count, ...crops.classes]).toEqual([1, 1, "right_wrist", "nose"]);
  expect((await read({ parts: "all" })).crops.classes).toEqual(PARTS);
  await expect(read({ parts: ["nose", "beak"] })).rejects.toThrow(
    "data/coco: parts must be two or more of nose, right_wrist, left_ankle, tail; got beak",
  );
  await expect(read({ parts: ["nose"] })).rejects.toThrow("got nose");
  await expect(read({ parts: ["nose", "tail"] })).rejects.toThrow(
    "data/coco: must hold a part to train that can be cut out; got none",
  );
});

test("a picture of another shape than it was annotated in is refused", async () => {
  const [json, first] = ENTRIES;
  await expect(read({}, [json!, first!, entry("train2017/6.jpg", 100, 80)])).rejects.toThrow(
    "train2017/6.jpg: must be 200 x 100 as it was annotated, or a scaled copy; got 100 x 80",
  );
});

test("what no array holds is refused before a picture is decoded, with how many would fit", async () => {
  const openDecoder = (): Promise<Decoder> => Promise.reject(new Error("nothing must be decoded"));
  await expect(read({ size: 30_000, openDecoder })).rejects.toThrow(
    "data/coco: the pixels must take at most 4294967296 bytes; 4 pictures of 30000 x 30000 need 10800000000. " +
      "Use --limit 1 or less, or a smaller --data-size",
  );
  const mask = file("masks/train/a.png", grayPng(2, [1, 1, 2, 2]));
  const masked = readPartMasks([entry("images/train/a.jpg", 2, 2), mask], {
    ...{ name: "m", path: "m", split: "train", size: 40_000, openDecoder },
  });
  await expect(masked).rejects.toThrow(/^m: the pixels .* need 4800000000\. Use a smaller --data-size$/);
});

test("a folder of no format is told what there could be", async () => {
  await expect(read({}, pictures("train/a/1.jpg"))).rejects.toThrow(
    "data/coco: must hold pictures with annotated parts in a format of CUB-200-2011, COCO, PASCAL-Part, ADE20K, LIP, masks; got none of them",
  );
  const birds = [entry("birds/images.txt", 49), entry("birds/parts/parts.txt", 49)];
  await expect(read({}, birds)).rejects.toThrow(
    "data/coco: must be the folder of one data set; got the folder above it. Name data/coco/birds",
  );
});

test("masks are scaled and cut as their pictures are", async () => {
  const mask = grayPng(6, [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3]); // 6 x 2: the middle square is the label 2
  const entries = [entry("images/train/a.jpg", 6, 2), file("masks/train/a.png", mask)];
  const options = { name: "m", path: "m", split: "train", openDecoder: async () => coordinates } as const;
  const set = await readPartMasks(entries, { ...options, size: 2 });
  expect([set.name, set.count, ...set.partNames]).toEqual([
    "m-masks-train",
    1,
    "label 1",
    "label 2",
    "label 3",
  ]);
  expect([...set.partMask]).toEqual([2, 2, 2, 2]);
  expect([set.pixels[0], set.pixels[9]]).toEqual([2, 3]);
  const larger = await readPartMasks(entries, { ...options, size: 6, parts: ["label 3", "label 2"] });
  expect([...larger.partMask.subarray(0, 6)]).toEqual([2, 2, 2, 2, 2, 2]);
  const one = await readPartMasks(entries, { ...options, size: 2, parts: ["label 2"] });
  expect([one.partNames, [...one.partMask]]).toEqual([["label 2"], [1, 1, 1, 1]]);
  await expect(readPartMasks(entries, { ...options, parts: [] })).rejects.toThrow(
    "m: parts must be different ones of label 1, label 2, label 3; got none",
  );
  const partly = file("masks/train/a.png", grayPng(2, [3, 255, 0, 3]));
  const unlabelled = await readPartMasks([entry("images/train/a.jpg", 2, 2), partly], {
    ...options,
    size: 2,
  });
  expect([...unlabelled.partMask]).toEqual([3, IGNORED, 0, 3]);
  await expect(readPartMasks(ENTRIES, options)).rejects.toThrow(
    "m: must hold a picture to train with an outlined part",
  );
  await expect(
    readPartMasks([entry("images/train/a.jpg", 2, 6), ...entries.slice(1)], options),
  ).rejects.toThrow("images/train/a.jpg: must be 6 x 2 as it was annotated, or a scaled copy; got 2 x 6");
  const tall = { width: 2, height: 5, labels: Uint16Array.from({ length: 10 }, (_, i) => i) };
  expect([...nearestSquare(tall, 2)]).toEqual([4, 5, 6, 7]); // (5 - 2) / 2 rounds to the even 2
});

test("cars have masks of their parts", async (context) => {
  const folder = join(dataFolder(context), "carparts");
  const { files } = await listFolder(folder);
  const options = { name: "cars", path: folder, split: "test", openDecoder, limit: 4, size: 64 } as const;
  const set = await readPartMasks(files, options);
  expect([set.count, set.partNames.length]).toEqual([4, 18]);
  const labelled = set.partMask.filter((label) => label > 0).length / set.partMask.length;
  expect(labelled).toBeGreaterThan(0.1);
  expect(labelled).toBeLessThan(0.9);
});
