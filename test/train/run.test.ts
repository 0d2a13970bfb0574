import { expect, test } from "vitest";
import { methodOf } from "../../src/train/run.ts";
import { smallRun } from "./methodRuns.ts";

test.each([
  [undefined, "none"],
  [0, "none"],
  [1, "1"],
])("labels of %s classes are refused where they are learned", (classes, got) => {
  const { data, ...run } = smallRun("supervised");
  expect(() => methodOf({ ...run, data: { ...data, classes } })).toThrow(
    `supervised: the pictures must have labels of two classes or more; got ${data.name} with ${got}`,
  );
});
