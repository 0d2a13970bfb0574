import { describe, expect, test } from "vitest";
import { IMAGENET_STATISTICS, type ImageSet } from "../../src/data/images.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { slice } from "../../src/engine/ops/slice.ts";
import { boxOf, featureAt, featureMaps, middleOf, nearestPlace } from "../../src/eval/maps/featureMaps.ts";
import { patchEncoder, windowEncoder, windowsOf } from "../../src/eval/maps/mapEncoders.ts";
import { search, similarTo } from "../../src/eval/maps/patchSearch.ts";
import { timmInit } from "../../src/models/init.ts";
import type { Projection } from "../../src/models/method.ts";
import { anyVit } from "../../src/models/relativeVit.ts";
import { vitSpecs } from "../../src/models/vit.ts";
import { testRandom } from "../array64.ts";
import { TINY } from "../parity/model.ts";
import { withDevice } from "../withDevice.ts";

const { imageSize: side, patchSize, embedDim } = TINY;
const grid = side / patchSize;

function pictures(count: number): ImageSet {
  const next = testRandom(5);
  const pixels = Uint8Array.from({ length: count * side * side * 3 }, () => Math.floor(256 * next()));
  return {
    name: "noise",
    width: side,
    height: side,
    count,
    pixels,
    labels: new Int32Array(count),
    classes: ["a"],
  };
}

const options = { statistics: IMAGENET_STATISTICS, batchSize: 2 };

/** The first half of a token. */
const half: Projection = {
  dim: embedDim / 2,
  of: (_, tokens) => slice(slice(tokens, 1, 0, 1), 2, 0, embedDim / 2),
  ofPatches: (_, tokens) => slice(slice(tokens, 1, 1, tokens.shape[1]!), 2, 0, embedDim / 2),
};

describe("feature maps", () => {
  const on = withDevice();
  const encoder = () => new Parameters(on.device, vitSpecs(TINY, timmInit(3)), { gradients: false });
  const images = pictures(3);

  /** Some pictures as the encoder sees them. */
  function normalised(levels: Uint8Array, count: number): Tensor {
    const { mean, std } = IMAGENET_STATISTICS;
    const values = Float32Array.from(levels, (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);
    return Tensor.from(on.device, values, [count, side, side, 3]);
  }

  test("of patches are the tokens behind the class token, and each projection's beside them", async () => {
    const params = encoder();
    const found = await featureMaps(on.device, patchEncoder(params, TINY, { half }), images, options);
    expect(Object.keys(found)).toEqual(["encoder", "half"]);
    const tokens = await anyVit(params, TINY, normalised(images.pixels, 3)).tokens.read();
    const { rows, columns, count, dim } = found.encoder;
    expect([count, rows, columns, dim, found.half.dim]).toEqual([3, grid, grid, embedDim, embedDim / 2]);
    for (let picture = 0; picture < 3; picture++) {
      for (let patch = 0; patch < grid * grid; patch++) {
        const place = { picture, row: Math.floor(patch / grid), column: patch % grid };
        const from = (picture * (1 + grid * grid) + 1 + patch) * embedDim;
        const wanted = tokens.slice(from, from + embedDim);
        expect(featureAt(found.encoder, place)).toEqual(wanted);
        expect(featureAt(found.half, place)).toEqual(wanted.slice(0, embedDim / 2));
      }
    }
    params.dispose();
  });

  test("of windows are what the encoder says of each alone", async () => {
    const params = encoder();
    const windows = windowEncoder(params, TINY, { half }, { perSide: 3, share: 1 / 2, reading: "cls" });
    const found = await featureMaps(on.device, windows, images, options);
    expect(found.encoder).toMatchObject({ count: 3, rows: 3, columns: 3, share: 1 / 2 });
    const whole = windowEncoder(params, TINY, { half }, { perSide: 1, share: 1, reading: "cls" });
    const picture = normalised(images.pixels.slice(2 * side * side * 3), 1);
    const cut = windowsOf(picture, side, 3, 1 / 2);
    for (let i = 0; i < 9; i++) {
      const alone = whole.encode(slice(cut, 0, i, i + 1));
      const place = { picture: 2, row: Math.floor(i / 3), column: i % 3 };
      for (const name of ["encoder", "half"] as const) {
        const wanted = await alone[name].read();
        const got = featureAt(found[name], place);
        for (const [j, value] of wanted.entries()) expect(got[j]!).toBeCloseTo(value, 5);
      }
    }
    params.dispose();
  });

  test("windows lie where their boxes say, from border to border", async () => {
    // A ramp: the value is the column. Magnified twice, a pixel's middle lies at (x + 1/2) / 2 - 1/2.
    const ramp = Float32Array.from({ length: 8 * 8 * 3 }, (_, i) => Math.floor(i / 3) % 8);
    const cut = windowsOf(Tensor.from(on.device, ramp, [1, 8, 8, 3]), 8, 3, 1 / 2);
    expect(cut.shape).toEqual([9, 8, 8, 3]);
    const values = await cut.read();
    for (const column of [0, 1, 2]) {
      const { left, width } = boxOf({ rows: 3, columns: 3, share: 1 / 2 }, { row: 0, column });
      expect([left, width]).toEqual([column / 4, 1 / 2]);
      const middle = values[((column * 8 + 4) * 8 + 4) * 3]!; // pixel 4 of 8, half a pixel right of the middle
      expect(middle).toBeCloseTo(8 * (left + width * (4.5 / 8)) - 1 / 2, 1);
    }
    expect(boxOf({ rows: 2, columns: 4 }, { row: 1, column: 3 })).toEqual({
      ...{ left: 3 / 4, top: 1 / 2, width: 1 / 4, height: 1 / 2 },
    });
    const paper = { rows: 7, columns: 7, share: 1 / 4 };
    expect(boxOf(paper, { row: 1, column: 6 })).toEqual({
      left: 3 / 4,
      top: 1 / 8,
      width: 1 / 4,
      height: 1 / 4,
    });
  });

  test("a point has the nearest place, and the middle of a place is nearest to it", () => {
    const [patches, paper] = [
      { rows: 2, columns: 4 },
      { rows: 7, columns: 7, share: 1 / 4 },
    ];
    for (const one of [patches, paper, { rows: 1, columns: 1, share: 1 }]) {
      for (let i = 0; i < one.rows * one.columns; i++) {
        const place = { picture: 5, row: Math.floor(i / one.columns), column: i % one.columns };
        expect(nearestPlace(one, middleOf(one, place))).toEqual(place);
      }
    }
    const at = (x: number, y: number) => ({ picture: 0, x, y });
    expect(nearestPlace(patches, at(0.24, 0.51))).toEqual({ picture: 0, row: 1, column: 0 });
    expect(nearestPlace(patches, at(1, 0))).toEqual({ picture: 0, row: 0, column: 3 });
    expect(middleOf(paper, { picture: 0, row: 1, column: 6 })).toEqual(at(7 / 8, 1 / 4));
    expect(nearestPlace(paper, at(0.18, 0.32))).toEqual({ picture: 0, row: 2, column: 0 });
    expect(nearestPlace(paper, at(0.19, 1))).toEqual({ picture: 0, row: 6, column: 1 });
  });

  test("a planted window is found: a picture that holds another's window, magnified", async () => {
    const params = encoder();
    const planted = pictures(4);
    const corner = side / 2; // the lower right quarter of picture 3 is the upper left of picture 1
    for (let y = 0; y < corner; y++) {
      const from = (side * side + y * side) * 3;
      const to = (3 * side * side + (corner + y) * side + corner) * 3;
      planted.pixels.set(planted.pixels.slice(from, from + corner * 3), to);
    }
    const windows = windowEncoder(params, TINY, {}, { perSide: 3, share: 1 / 2 });
    const { encoder: maps } = await featureMaps(on.device, windows, planted, options);
    const query = { picture: 1, row: 0, column: 0 };
    const [found] = await search(on.device, maps, [query], { k: 2, keepSelf: false });
    expect(found![0]).toMatchObject({ picture: 3, row: 2, column: 2 });
    const { top } = await similarTo(on.device, maps, query, { k: 2 });
    expect(top).toMatchObject([query, { picture: 3, row: 2, column: 2 }]);
    params.dispose();
  });

  test("refuses windows and readings that are none", async () => {
    const params = encoder();
    expect(() => windowEncoder(params, TINY, {}, { perSide: 1 })).toThrow("or both 1; got 1 and 0.25");
    const bad = { encode: (x: Tensor) => ({ a: x, b: slice(x, 1, 0, 1) }) };
    await expect(featureMaps(on.device, bad, images, options)).rejects.toThrow(/of one grid; got a \[2,/);
    params.dispose();
  });
});
