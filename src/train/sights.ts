// What a run sees, as pictures for a person: rows of the same few pictures, one for each view and for what a step makes of it.

import { toLevels } from "../data/images.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { slice } from "../engine/ops/slice.ts";
import type { ViewGroup } from "../models/method.ts";
import type { Trainer } from "./trainer.ts";

/** A row of square pictures. */
export interface SightRow {
  /** In words: `View 2, masked`. */
  name: string;
  /** Side of each picture in pixels. */
  side: number;
  /** Row-major RGB, [count, side, side, 3]. */
  pixels: Uint8ClampedArray;
}

/** The names of the views, in their order: `View`, or numbered by size, the smaller ones as `Small view 1`. */
export function viewNames(groups: readonly ViewGroup[]): string[] {
  const largest = Math.max(...groups.map(({ size }) => size));
  const kinds = groups.flatMap(({ size, count }) =>
    Array.from({ length: count }, () => (size === largest ? "View" : "Small view")),
  );
  return kinds.map((kind, i) => {
    if (kinds.filter((other) => other === kind).length === 1) return kind;
    return `${kind} ${kinds.slice(0, i + 1).filter((other) => other === kind).length}`;
  });
}

/**
 * The first `count` pictures of the next step: whole, as each view shows them, and under each view what the step makes of it.
 * Nothing of the run moves by it.
 */
export async function sightsOf(trainer: Trainer, count: number): Promise<SightRow[]> {
  const { settings, method, device } = trainer;
  const { batchSize } = settings;
  const shown = Math.min(count, batchSize);
  const { pictures, views, sights } = trainer.look();
  const kept: Tensor[] = [pictures, ...views, ...Object.values(sights)];
  const isShown = (_: unknown, group: number): boolean => method.views[group]!.follows === undefined;
  /** The pictures of each view of a tensor [views B, side, side, 3]. */
  const cut = async (tensor: Tensor): Promise<Omit<SightRow, "name">[]> => {
    const [rows, side] = tensor.shape as [number, number];
    const parts = device.tidy(() =>
      Array.from({ length: rows / batchSize }, (_, v) =>
        slice(tensor, 0, v * batchSize, v * batchSize + shown),
      ),
    );
    kept.push(...parts);
    return Promise.all(parts.map(async (part) => ({ side, pixels: toLevels(await part.read()) })));
  };
  try {
    const [whole] = await cut(pictures);
    const cuts = (await Promise.all(views.filter(isShown).map(cut))).flat();
    const made = await Promise.all(
      Object.entries(sights).map(async ([word, tensor]) => [word, await cut(tensor)] as const),
    );
    const names = viewNames(method.views.filter(isShown));
    return [
      { name: "Picture", ...whole! },
      ...cuts.flatMap((row, v) => [
        { name: names[v]!, ...row },
        ...made.flatMap(([word, rows]) => (rows[v] ? [{ name: `${names[v]}, ${word}`, ...rows[v] }] : [])),
      ]),
    ];
  } finally {
    for (const tensor of kept) tensor.dispose();
  }
}
