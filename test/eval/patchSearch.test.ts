import { describe, expect, test } from "vitest";
import type { FeatureMaps, Place } from "../../src/eval/maps/featureMaps.ts";
import { type Match, type SearchOptions, search, similarTo } from "../../src/eval/maps/patchSearch.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

const random = testRandom(11);

/** Features of whole numbers from -2 to 2, many of them repeated: ties that float32 and float64 agree on. */
function repeatedMaps(): FeatureMaps {
  const [count, rows, columns, dim] = [5, 3, 4, 6];
  const few = Array.from({ length: 9 }, () =>
    Array.from({ length: dim }, () => Math.floor(5 * random()) - 2),
  );
  few[0] = new Array(dim).fill(0); // is like nothing, itself included
  const values = Array.from({ length: count * rows * columns }, () => few[Math.floor(9 * random())]!);
  return { values: Float32Array.from(values.flat()), count, rows, columns, dim };
}

/** All places by their cosine in float64, the best first, equal ones by number. */
function matches64(maps: FeatureMaps, query: ArrayLike<number>, leftOut = -1): Match[] {
  const { values, rows, columns, dim } = maps;
  const length = (at: number, of: ArrayLike<number>) =>
    Math.hypot(...Array.from({ length: dim }, (_, i) => of[at + i]!));
  return Array.from({ length: values.length / dim }, (_, place) => {
    let product = 0;
    for (let i = 0; i < dim; i++) product += values[place * dim + i]! * query[i]!;
    const lengths = length(place * dim, values) * length(0, query);
    return {
      picture: Math.floor(place / (rows * columns)),
      row: Math.floor(place / columns) % rows,
      column: place % columns,
      similarity: lengths > 0 ? product / lengths : 0,
    };
  })
    .filter(({ picture }) => picture !== leftOut)
    .sort((a, b) => (Math.abs(a.similarity - b.similarity) > 1e-6 ? b.similarity - a.similarity : 0));
}

const placesOf = (matches: readonly Match[]): Place[] => matches.map(({ similarity: _, ...place }) => place);
const at = (maps: FeatureMaps, { picture, row, column }: Place): Float32Array => {
  const start = ((picture * maps.rows + row) * maps.columns + column) * maps.dim;
  return maps.values.slice(start, start + maps.dim);
};

describe("patch search", () => {
  const on = withDevice();
  const maps = repeatedMaps();
  const queries = [3, 17, 40, 59].map((i) => ({
    picture: Math.floor(i / 12),
    row: Math.floor(i / 4) % 3,
    column: i % 4,
  }));
  const cases: SearchOptions[] = [{ k: 7 }, { k: 60 }, { k: 1 }, { k: 20, keepSelf: false }, { k: 900 }];

  test.each(cases)("finds what float64 finds, equal ones in order: %o", async (options) => {
    const many = await search(on.device, maps, queries, options);
    for (const [i, query] of queries.entries()) {
      const all = matches64(maps, at(maps, query), options.keepSelf === false ? query.picture : -1);
      const wanted = all.slice(0, options.k);
      const { top } = await similarTo(on.device, maps, query, options);
      for (const found of [many[i]!, top]) {
        expect(placesOf(found)).toEqual(placesOf(wanted));
        for (const [j, { similarity }] of found.entries()) {
          expect(similarity).toBeCloseTo(wanted[j]!.similarity, 6);
        }
      }
    }
  });

  test("a heat map is the cosine of every place, and a query may come from elsewhere", async () => {
    const query = Float32Array.of(1, -2, 3, 0.5, 0, 1);
    const { maps: heat, top } = await similarTo(on.device, maps, query, { keepSelf: false });
    const wanted = matches64(maps, query);
    expect(heat).toHaveLength(60);
    for (const { picture, row, column, similarity } of wanted) {
      expect(heat[(picture * 3 + row) * 4 + column]!).toBeCloseTo(similarity, 6);
    }
    expect(placesOf(top)).toEqual(placesOf(wanted.slice(0, 24)));
  });

  test("refuses places and features that are not there", async () => {
    const { device } = on;
    const nowhere = { picture: 0, row: 3, column: 0 };
    const wanted = "featureAt: a place must lie in 5 pictures of 3 x 4; got picture 0, row 3, column 0";
    await expect(similarTo(device, maps, nowhere)).rejects.toThrow(wanted);
    await expect(search(device, maps, [nowhere])).rejects.toThrow(wanted);
    await expect(similarTo(device, maps, new Float32Array(5))).rejects.toThrow("length 6; got 5");
    await expect(search(device, maps, queries, { k: 0 })).rejects.toThrow("k must be a whole number");
    const broken = { ...maps, values: maps.values.slice().fill(Number.NaN, 0, 1) };
    await expect(similarTo(device, broken, queries[1]!)).rejects.toThrow(
      "Did the encoder's training diverge",
    );
    await expect(search(device, broken, queries)).rejects.toThrow("Did the encoder's training diverge");
  });
});
