/** Which places of pictures are alike, by the cosine of their features. */
import type { Device } from "../../engine/gpu/device.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { normalize } from "../../engine/ops/normalize.ts";
import { holding } from "../holding.ts";
import { nearest } from "../probes/knn.ts";
import { type FeatureMaps, featureAt, type Place } from "./featureMaps.ts";

/** A place and its cosine to the query, in [-1, 1]. */
export interface Match extends Place {
  similarity: number;
}

export interface SearchOptions {
  /** How many places are found; 24 when absent, or all where there are fewer. */
  k?: number;
  /** Whether places of the query's own picture are among them, the query itself first, as in the paper (default). */
  keepSelf?: boolean;
}

export interface Similar {
  /** Cosine of every place to the query, row-major [count, rows, columns]: a heat map for each picture. */
  maps: Float32Array;
  /** The most similar places, the best first, equal ones by picture, row and column. */
  top: Match[];
}

/**
 * What is similar to one place, or to a feature [dim] from elsewhere: a heat map over every picture, and the best places.
 * The GPU holds the features in parts that its bindings take; nothing stays there. A place of zeros has cosine 0 to all.
 * Throws where a feature is not finite.
 */
export async function similarTo(
  device: Device,
  maps: FeatureMaps,
  query: Place | Float32Array,
  { k = 24, keepSelf = true }: SearchOptions = {},
): Promise<Similar> {
  const isPlace = !(query instanceof Float32Array);
  const feature = isPlace ? featureAt(maps, query) : query;
  if (feature.length !== maps.dim) {
    throw new Error(
      `similarTo: the query must be of the features' length ${maps.dim}; got ${feature.length}`,
    );
  }
  checkK("similarTo", k);
  const similarities = await cosines(device, maps, feature);
  checkFinite("similarTo", similarities);
  const left = isPlace && !keepSelf ? query.picture : -1;
  const best = largest(
    similarities,
    k,
    left * maps.rows * maps.columns,
    (left + 1) * maps.rows * maps.columns,
  );
  return { maps: similarities, top: best.map((i) => matchAt(maps, i, similarities[i]!)) };
}

/** The best places for each of many queries, the best first: `nearest` on the GPU in chunks. */
export async function search(
  device: Device,
  maps: FeatureMaps,
  queries: readonly Place[],
  { k = 24, keepSelf = true }: SearchOptions = {},
): Promise<Match[][]> {
  checkK("search", k);
  if (queries.length === 0) return [];
  const { count, rows, columns, dim } = maps;
  const values = new Float32Array(queries.length * dim);
  for (const [i, query] of queries.entries()) values.set(featureAt(maps, query), i * dim);
  const own = keepSelf ? 0 : rows * columns; // so many more are asked for: at worst the query's picture has the best
  const asked = Math.min(k + own, count * rows * columns);
  const { similarities, indices } = await nearest(device, { values, dim }, maps, asked);
  checkFinite("search", similarities);
  return queries.map(({ picture }, i) =>
    Array.from({ length: asked }, (_, j) =>
      matchAt(maps, indices[i * asked + j]!, similarities[i * asked + j]!),
    )
      .filter((match) => keepSelf || match.picture !== picture)
      .slice(0, k),
  );
}

function checkK(where: string, k: number): void {
  if (Number.isInteger(k) && k >= 1) return;
  throw new Error(`${where}: k must be a whole number of at least 1; got ${k}`);
}

function checkFinite(where: string, similarities: Float32Array): void {
  const bad = similarities.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new Error(
    `${where}: every feature must be a finite number; got similarity ${similarities[bad]}. Did the encoder's training diverge?`,
  );
}

/** Where the k largest values are, the largest first, equal ones by rising index; those from `start` to `end` do not count. */
function largest(values: Float32Array, k: number, start: number, end: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if ((i >= start && i < end) || (best.length === k && values[i]! <= values[best[k - 1]!]!)) continue;
    let at = best.length;
    while (at > 0 && values[best[at - 1]!]! < values[i]!) at--;
    best.splice(at, 0, i);
    best.length = Math.min(best.length, k);
  }
  return best;
}

/** The place with this number, counted through rows and pictures. */
function matchAt({ rows, columns }: FeatureMaps, index: number, similarity: number): Match {
  const place = index % (rows * columns);
  const picture = Math.floor(index / (rows * columns));
  return { picture, row: Math.floor(place / columns), column: place % columns, similarity };
}

/** The cosine of every place to the feature, [count rows columns]. */
async function cosines(
  device: Device,
  { values, dim }: FeatureMaps,
  feature: Float32Array,
): Promise<Float32Array> {
  const count = values.length / dim;
  const found = new Float32Array(count);
  const part = Math.min(count, Math.floor(device.limits.maxStorageBufferBindingSize / 4 / dim));
  for (let first = 0; first < count; first += part) {
    const rows = Math.min(part, count - first);
    const bank = values.subarray(first * dim, (first + rows) * dim);
    await holding(async (hold) => {
      const products = device.tidy(() => {
        const x = normalize(Tensor.from(device, bank, [rows, dim]));
        const y = normalize(Tensor.from(device, feature, [1, dim]));
        return matmul(x, y, { transposeB: true });
      });
      found.set(await hold(products).read(), first);
    });
  }
  return found;
}
