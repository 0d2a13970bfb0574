import { expect, test } from "vitest";
import { type CocoCounts, cocoFile, pictureName } from "../../bench/cocoFile.ts";
import { findParts } from "../../src/data/parts/findParts.ts";
import { file, pictures } from "../data/listed.ts";

test("the file of the bench is COCO's in form, and its crops are those that it counts", async () => {
  const count = 60;
  const counts: CocoCounts = { persons: 0, seen: 0 };
  const text = [...cocoFile(count, counts)].join("");
  const { images, annotations } = JSON.parse(text);
  expect([images.length, annotations.length]).toEqual([count, counts.persons]);
  expect(counts.seen).toBeGreaterThan(count / 2);
  expect(counts.seen).toBeLessThan(counts.persons);
  const annotated = file("annotations/person_keypoints_train2017.json", new TextEncoder().encode(text));
  const named = pictures(...Array.from({ length: count }, (_, i) => `train2017/${pictureName(i)}`));
  const found = await findParts([annotated, ...named], { split: "train", path: "coco" });
  expect(found.parts).toEqual(["nose", "right_wrist", "left_ankle"]);
  expect(found.pictures.flatMap(({ squares }) => squares)).toHaveLength(3 * counts.seen);
});
