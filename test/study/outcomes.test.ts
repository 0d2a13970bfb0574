import { expect, test } from "vitest";
import { encodeOutcomes, withOutcomes, withoutPictures } from "../../src/study/outcomes.ts";
import type { Readout } from "../../src/study/readouts.ts";

const readout = (
  target: Readout["target"],
  reading: string,
  probe: Readout["probe"],
  pictures: Readout["pictures"],
): Readout => ({ target, reading, probe, score: 0.5, floor: 0.1, pictures });

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

test("a file of other readouts is refused by the name that is missing", () => {
  const file = encodeOutcomes(READOUTS.slice(0, 2));
  expect(() => withOutcomes(READOUTS.map(withoutPictures), file)).toThrow(
    /must hold parts\/items; got objects\/items/,
  );
});
