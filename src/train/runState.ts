// Everything on the GPU that a step changes, by its names in a checkpoint: what must be saved to go on exactly.

import type { Guard } from "../engine/graph/guard.ts";
import type { NamedValues, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import type { Optimizer } from "../engine/optim/optimizer.ts";

/** Networks by their names in the method, the trained one first. */
type Networks = Readonly<Record<string, Parameters>>;

/** What a run keeps its state in; a `Trainer` is one. */
export interface RunParts {
  readonly networks: Networks;
  readonly optimizer: Optimizer;
  readonly guard: Guard;
}

/** Tensors on the device that a run keeps, laid out as the values or the trained ones of `layout`. */
export interface Kept {
  tensors: readonly Tensor[];
  layout: Parameters;
}

/** Before the names of a network's parameters in a checkpoint: nothing for the trained one, `teacher.` for another. */
export const prefixOf = (networks: Readonly<Record<string, unknown>>, name: string): string =>
  name === Object.keys(networks)[0] ? "" : `${name}.`;

/** Every number that a step changes, by the prefix of its names. */
export function keptOf({ networks, optimizer, guard }: RunParts): Record<string, Kept> {
  const trained = Object.values(networks)[0]!;
  const values = Object.entries(networks).map(([name, layout]): [string, Kept] => [
    prefixOf(networks, name),
    { tensors: layout.values, layout },
  ]);
  const moments = Object.entries(optimizer.state).map(([name, tensors]): [string, Kept] => [
    `optimizer.${name}.`,
    { tensors, layout: trained },
  ]);
  const { scale } = guard;
  const scaling: [string, Kept][] = scale
    ? [["lossScale.", { tensors: scale.kept.values, layout: scale.kept }]]
    : [];
  return Object.fromEntries([...values, ...moments, ...scaling]);
}

/** Views of all of it by name. */
export function viewsOf(run: RunParts): Map<string, Tensor> {
  const views = new Map<string, Tensor>();
  for (const [prefix, { tensors, layout }] of Object.entries(keptOf(run))) {
    for (const [name, view] of layout.views(tensors)) views.set(prefix + name, view);
  }
  return views;
}

/** Its values in the same order, read shard by shard. */
export async function* valuesOf(run: RunParts): AsyncGenerator<[name: string, NamedValues]> {
  for (const [prefix, { tensors, layout }] of Object.entries(keptOf(run))) {
    for await (const [name, values] of layout.entries(tensors)) yield [prefix + name, values];
  }
}

/** Views of the networks' parameters and buffers alone, by the same names. */
export const networkViews = (networks: Networks): Map<string, Tensor> =>
  new Map(
    Object.entries(networks).flatMap(([network, params]) =>
      [...params.views(params.values)].map(
        ([name, view]) => [prefixOf(networks, network) + name, view] as const,
      ),
    ),
  );
