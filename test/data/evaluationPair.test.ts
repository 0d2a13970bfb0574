import { expect, test } from "vitest";
import { checkEvaluation } from "../../src/data/evaluationPair.ts";
import type { ImageSet } from "../../src/data/images.ts";

const set = (name: string, ...labels: number[]): ImageSet => ({
  name,
  width: 1,
  height: 1,
  count: labels.length,
  pixels: new Uint8Array(3 * labels.length),
  labels: Int32Array.from(labels),
  classes: ["ant", "bee", "cow", "dog"],
});
const train = set("pets-train", 0, 1, 1);

test.each<[ImageSet, ImageSet, string]>([
  [
    train,
    set("pets-test", 2, 3),
    "pets-test: its classes must be among those of pets-train; got cow, dog, none of them",
  ],
  [
    set("pets-train", -1, -1),
    set("pets-test", 0),
    "pets-train: every picture must have a label for an evaluation; got 2 of 2",
  ],
  [
    train,
    set("pets-test", 0, -1),
    "pets-test: every picture must have a label for an evaluation; got 1 of 2",
  ],
  [
    set("pets-train", 1, 1),
    set("pets-test", 1),
    "must have two classes or more for an evaluation; got bee alone",
  ],
  [
    train,
    { ...set("pets-test", 0, 1), classes: ["ant", "cow"] },
    "pets-test: label 1 must be of class bee as in pets-train; got cow. Name the same classes for both",
  ],
])("a pair that would give a number without meaning is refused", (a, b, sentence) => {
  expect(() => checkEvaluation(a, b)).toThrow(sentence);
});

test("what cannot be hit is noted", () => {
  const notes: string[] = [];
  checkEvaluation(train, set("pets-test", 0, 3, 3), (sentence) => notes.push(sentence));
  expect(notes).toEqual([
    "pets-test: 2 of 3 pictures are of classes without training pictures (dog): they count as wrong",
  ]);
  checkEvaluation(train, set("pets-test", 0, 1), (sentence) => notes.push(sentence));
  expect(notes).toHaveLength(1);
});
