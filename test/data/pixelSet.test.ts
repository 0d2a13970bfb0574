import { expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { checkPixelSet, IGNORED, objectPixels, partPixels } from "../../src/data/pixelSet.ts";

const set = creatures({ count: 10, size: 24 });

test("a part is its own class, and what is none is ignored or the class in front", () => {
  const ignored = partPixels(set, "ignored");
  expect(ignored.pixelClasses).toEqual(set.partNames);
  expect(ignored.pixelLabels).toEqual(
    Uint16Array.from(set.partMask, (value) => (value === 0 ? IGNORED : value - 1)),
  );
  const counted = partPixels(set, "class");
  expect(counted.pixelClasses).toEqual(["background", ...set.partNames]);
  expect(counted.pixelLabels).toEqual(Uint16Array.from(set.partMask));
  expect(checkPixelSet(counted)).toBe(counted);
});

test("parts that are not asked for are as what is none, in the order that is asked for", () => {
  const two = partPixels(set, "ignored", ["leg", "body"]);
  expect(two.pixelClasses).toEqual(["leg", "body"]);
  const [leg, body] = ["leg", "body"].map((name) => (set.partNames as readonly string[]).indexOf(name) + 1);
  expect(two.pixelLabels).toEqual(
    Uint16Array.from(set.partMask, (value) => (value === leg ? 0 : value === body ? 1 : IGNORED)),
  );
  expect(new Set(two.pixelLabels)).toEqual(new Set([0, 1, IGNORED]));
  for (const parts of [["legs"], ["leg", "leg"], []]) {
    expect(() => partPixels(set, "ignored", parts)).toThrow(/parts must be different ones of body, neck/);
  }
});

test("what is not known stays ignored, whatever becomes of the background", () => {
  const partMask = Uint16Array.from(set.partMask, (value, i) => (i % 3 === 0 ? IGNORED : value));
  for (const background of ["class", "ignored"] as const) {
    const without = partPixels(set, background).pixelLabels;
    expect(partPixels({ ...set, partMask }, background).pixelLabels).toEqual(
      without.map((label, i) => (i % 3 === 0 ? IGNORED : label)),
    );
  }
});

test("an object's pixels have its class", () => {
  const objects = objectPixels(set, "ignored");
  expect(objects.pixelClasses).toEqual(set.classes);
  objects.pixelLabels.forEach((label, i) => {
    const expected = set.objectMask[i] ? set.labels[Math.floor(i / (24 * 24))] : IGNORED;
    if (label !== expected) expect.fail(`pixel ${i}: ${label} instead of ${expected}`);
  });
  expect(objectPixels(set, "class").pixelLabels.some((label) => label === 0)).toBe(true);
});

test("labels that cannot be right are refused in one sentence", () => {
  const good = partPixels(set, "ignored");
  expect(() => checkPixelSet({ ...good, pixelLabels: good.pixelLabels.subarray(1) })).toThrow(
    "pixelLabels must be [10, 24, 24]; got 5759 numbers",
  );
  expect(() => checkPixelSet({ ...good, pixelClasses: ["body"] })).toThrow(/must be below 1 or 65535/);
});
