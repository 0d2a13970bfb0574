import { expect, test } from "vitest";
import { cellOf } from "../../src/explorer/placeAt.ts";
import { checkPlaces, PLACES, type Places, windowsAs } from "../../src/explorer/places.ts";
import { nearestPlace } from "../../src/index.ts";

test("windows lie half of their side apart, as the paper's do", () => {
  expect(windowsAs("patches")).toBeNull();
  expect(windowsAs("quarter")).toEqual({ share: 1 / 4, perSide: 7 });
  expect(windowsAs("third")).toEqual({ share: 1 / 3, perSide: 5 });
  expect(windowsAs("half")).toEqual({ share: 1 / 2, perSide: 3 });
});

test("other names are refused with those there are", () => {
  for (const name of Object.keys(PLACES)) expect(() => checkPlaces(name)).not.toThrow();
  expect(() => checkPlaces("toString")).toThrow(
    "explorer: places must be one of patches, quarter, third, half; got toString",
  );
});

test("cells tile the picture, each of the points that its place is nearest to", () => {
  expect(cellOf({ rows: 2, columns: 4 }, { row: 1, column: 2 })).toEqual({
    ...{ left: 1 / 2, top: 1 / 2, width: 1 / 4, height: 1 / 2 },
  });
  for (const name of ["quarter", "third", "half"] satisfies Places[]) {
    const { share, perSide } = windowsAs(name)!;
    const grid = { rows: perSide, columns: perSide, share };
    let right = 0;
    for (let column = 0; column < perSide; column++) {
      const { left, width } = cellOf(grid, { row: 0, column });
      expect(left).toBeCloseTo(right, 12);
      right = left + width;
      for (const x of [left + 1e-6, right - 1e-6]) {
        expect(nearestPlace(grid, { picture: 0, x, y: 0 }).column).toBe(column);
      }
    }
    expect(right).toBeCloseTo(1, 12);
  }
});
