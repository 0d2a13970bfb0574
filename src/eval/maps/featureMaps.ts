/** Features of places in pictures, patches or windows, that lie on a grid: what patch search and maps work on. */
import type { ImageSet } from "../../data/images.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { type Shape, sizeOf, type Tensor } from "../../engine/graph/tensor.ts";
import { concat } from "../../engine/ops/concat.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { type ExtractOptions, eachBatch } from "../features.ts";

/** A grid of places over a picture. */
export interface Grid {
  rows: number;
  columns: number;
  /** Side of a place as a share of the picture's side, where places overlap; absent where they tile the picture. */
  share?: number;
}

/** A feature of every place of every picture. */
export interface FeatureMaps extends Grid {
  /** Row-major [count, rows, columns, dim]. */
  values: Float32Array;
  /** Number of pictures. */
  count: number;
  dim: number;
}

/** A place of a picture, all counted from 0. */
export interface Place {
  picture: number;
  row: number;
  column: number;
}

/** A rectangle as shares of the picture's width and height, in [0, 1]. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A point of a picture, as shares of its width and height. */
export interface Point {
  picture: number;
  x: number;
  y: number;
}

/** What a frozen encoder says of places: one pass gives all its readings, by name. */
export interface MapEncoder<Name extends string = string> {
  /** Normalised pictures [B, H, W, 3] -> of each reading [B, rows, columns, D]; D may differ from one to the next. */
  encode(images: Tensor): Readonly<Record<Name, Tensor>>;
  /** See `Grid`. */
  share?: number;
}

/** Where a place lies in its picture. */
export function boxOf({ rows, columns, share }: Grid, { row, column }: Omit<Place, "picture">): Box {
  const [height, width] = [share ?? 1 / rows, share ?? 1 / columns];
  const start = (i: number, count: number, side: number) => (count > 1 ? (i * (1 - side)) / (count - 1) : 0);
  return { left: start(column, columns, width), top: start(row, rows, height), width, height };
}

/** The point in the middle of a place. */
export function middleOf(grid: Grid, place: Place): Point {
  const { left, top, width, height } = boxOf(grid, place);
  return { picture: place.picture, x: left + width / 2, y: top + height / 2 };
}

/** The place whose middle is nearest to a point. */
export function nearestPlace({ rows, columns, share }: Grid, { picture, x, y }: Point): Place {
  const along = (at: number, count: number): number => {
    const side = share ?? 1 / count;
    const place = count > 1 ? Math.round(((at - side / 2) * (count - 1)) / (1 - side)) : 0;
    return Math.min(count - 1, Math.max(0, place));
  };
  return { picture, row: along(y, rows), column: along(x, columns) };
}

/** The feature of a place, [dim]: a view of the values. Throws where there is no such place. */
export function featureAt(maps: FeatureMaps, place: Place): Float32Array {
  const { values, count, rows, columns, dim } = maps;
  const { picture, row, column } = place;
  const within = (i: number, n: number) => Number.isInteger(i) && i >= 0 && i < n;
  if (!within(picture, count) || !within(row, rows) || !within(column, columns)) {
    throw new Error(
      `featureAt: a place must lie in ${count} pictures of ${rows} x ${columns}; ` +
        `got picture ${picture}, row ${row}, column ${column}`,
    );
  }
  const at = ((picture * rows + row) * columns + column) * dim;
  return values.subarray(at, at + dim);
}

/**
 * Every reading of every place of pictures, on the host. Pictures are fitted and normalised as by `extractFeatures`, and
 * encoded `batchSize` at a time, which bounds the GPU's memory. Throws where the readings are not of one grid.
 */
export async function featureMaps<Name extends string>(
  device: Device,
  { encode, share }: MapEncoder<Name>,
  images: ImageSet,
  options: ExtractOptions,
): Promise<Record<Name, FeatureMaps>> {
  const shapes = new Map<Name, Shape>();
  const values = new Map<Name, Float32Array>();
  await eachBatch(
    device,
    (pictures) => {
      const maps = Object.entries(encode(pictures)) as [Name, Tensor][];
      for (const [name, { shape }] of maps) shapes.set(name, shape);
      checkGrids(shapes);
      return concat(
        maps.map(([, map]) => reshape(map, [map.shape[0]!, -1])),
        1,
      );
    },
    images,
    options,
    (batch, dim, start) => {
      let first = 0;
      for (const [name, [, ...grid]] of shapes) {
        const width = sizeOf(grid);
        if (start === 0) values.set(name, new Float32Array(images.count * width));
        for (let row = 0; row * dim < batch.length; row++) {
          const from = row * dim + first;
          values.get(name)!.set(batch.subarray(from, from + width), (start + row) * width);
        }
        first += width;
      }
    },
  );
  const found = [...shapes].map(([name, [, rows, across, dim]]) => {
    const grid = { rows: rows!, columns: across!, ...(share !== undefined && { share }) };
    return [name, { values: values.get(name)!, count: images.count, dim: dim!, ...grid }] as const;
  });
  return Object.fromEntries(found) as Record<Name, FeatureMaps>;
}

function checkGrids(shapes: ReadonlyMap<string, Shape>): void {
  const grids = new Set([...shapes.values()].map((shape) => `${shape.slice(0, 3)}`));
  if (grids.size === 1 && [...shapes.values()].every(({ length }) => length === 4)) return;
  const given = [...shapes].map(([name, shape]) => `${name} [${shape}]`).join(", ");
  throw new Error(`featureMaps: encode must give readings [B, rows, columns, D] of one grid; got ${given}`);
}
