import { expect, test } from "vitest";
import { encodeOutcomes, withOutcomes, withoutPictures } from "../../src/study/outcomes.ts";
import type { Readout } from "../../src/study/readouts.ts";
import { SetResults } from "../../src/study/setResults.ts";

const readout = (
  target: Readout["target"],
  reading: string,
  probe: Readout["probe"],
  pictures: Readout["pictures"],
): Readout => {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const score = total(pictures.sums) / total(pictures.items);
  return { target, reading, probe, score, floor: 0.1, pictures };
};

const READOUTS = [
  readout("objects", "cls", "k-NN", { items: [1, 1, 1], sums: [1, 0, 1] }),
  readout("objects", "mean", "k-NN", { items: [1, 1, 1], sums: [0, 0, 1] }),
  readout("parts", "cls", "retrieval", { items: [3, 2], sums: [1.25, 0.5] }),
];

test("scores of pictures come back from their file, each with its readout", () => {
  const scores = READOUTS.map(withoutPictures);
  expect(JSON.stringify(scores)).not.toContain("sums");
  expect(withOutcomes(scores, encodeOutcomes(READOUTS))).toEqual(READOUTS);
});

test("segmentation has pictures of its own beside those of the same target", () => {
  const pixels = [
    readout("parts", "blocks", "mIoU", { items: [4, 4, 5, 3], sums: [2, 1, 0.5, 3] }),
    readout("parts", "blocks", "aAcc", { items: [4, 4, 5, 3], sums: [3, 1, 1.5, 3] }),
  ];
  const all = [...READOUTS, ...pixels];
  expect(withOutcomes(all.map(withoutPictures), encodeOutcomes(all))).toEqual(all);

  const results = new SetResults([{ data: "toy", encoder: "mae", seed: 0, readouts: all }]);
  const drawn = (["retrieval", "mIoU", "aAcc"] as const).map((probe) => {
    const reading = probe === "retrieval" ? "cls" : "blocks";
    const sample = results.sample("mae", { target: "parts", probe, reading })!;
    expect(results.estimate("parts", sample)!.pictureError, probe).toBeGreaterThan(0);
    return results.resamples("parts", sample);
  });
  expect(drawn.map(({ pictures }) => pictures)).toEqual([2, 4, 4]);
  expect(drawn[1]).toBe(drawn[2]); // of the same pictures in every draw
});

test("a file of other readouts is refused by the name that is missing", () => {
  const file = encodeOutcomes(READOUTS.slice(0, 2));
  expect(() => withOutcomes(READOUTS.map(withoutPictures), file)).toThrow(
    /must hold parts\/items; got objects\/items/,
  );
});

test.each([
  [
    "one that is not finite",
    { items: [1, 1, 1], sums: [1, Number.NaN, 1] },
    /score 0\.66\d*; got NaN of 3 sums/,
  ],
  ["others", { items: [1, 1, 1], sums: [1, 1, 1] }, /score 0\.66\d*; got 1 of 3 sums/],
])("scores of pictures that are not those of the cell's score are refused: %s", (_, pictures, sentence) => {
  const [first] = READOUTS;
  const file = encodeOutcomes([{ ...first!, pictures }]);
  expect(() => withOutcomes([withoutPictures(first!)], file)).toThrow(sentence);
});

test("scores of another number of pictures are refused", () => {
  const [first, second] = READOUTS;
  const more = { ...second!, pictures: { items: [1, 1, 0, 1], sums: [0, 0, 0, 1] } };
  const file = encodeOutcomes([first!, more]); // items are of a target: the second's are left
  expect(() => withOutcomes([withoutPictures(first!)], file)).toThrow(
    /got 0\.66\d* of 3 sums and 4 pictures/,
  );
});
