import { expect, test } from "vitest";
import { addIteratorHelpers, ITERATOR_HELPERS } from "../../bench/peers/iteratorHelpers.ts";
import { gradientsFromMoments, peerWeights, transposed } from "../../bench/peers/weights.ts";
import { parseStepConfig, stepProblem } from "../../bench/stepProblem.ts";
import { textOf } from "../repo/files.ts";

test("a peer's weights are [in, out], and its gradients come back as timm's", () => {
  const problem = stepProblem(parseStepConfig("batch=1,width=8,depth=1,heads=2,image=8,patch=4,classes=3"));
  const weights = peerWeights(problem);
  const shapeOf = (name: string) => weights.find((weight) => weight.name === name)!.shape;
  expect(shapeOf("patch_embed.proj.weight")).toEqual([48, 8]);
  expect(shapeOf("blocks.0.mlp.fc1.weight")).toEqual([8, 32]);
  expect(shapeOf("pos_embed")).toEqual([1, 5, 8]);
  const moments = new Map(weights.map(({ name, values }) => [name, values.map((value) => value / 4)]));
  const back = gradientsFromMoments(problem, moments, 0.75);
  for (const { name, values } of problem.parameters) expect(back.get(name), name).toEqual(values);
  expect(transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
});

test("the iterator helpers do what the standard says", () => {
  const { map, filter, flatMap, take, drop, reduce, some, every, find } = ITERATOR_HELPERS;
  const numbers = () => [1, 2, 3, 4].values();
  expect([...map.call(numbers(), (x, i) => (x as number) * 10 + i)]).toEqual([10, 21, 32, 43]);
  expect([...filter.call(numbers(), (x) => (x as number) % 2 === 0)]).toEqual([2, 4]);
  expect([...flatMap.call(numbers(), (x) => [x, x])]).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  expect([...take.call(numbers(), 2)]).toEqual([1, 2]);
  expect([...take.call(numbers(), 0)]).toEqual([]);
  expect([...drop.call(numbers(), 3)]).toEqual([4]);
  expect(reduce.call(numbers(), (sum, x) => (sum as number) + (x as number), 0)).toBe(10);
  expect(some.call(numbers(), (x) => x === 3)).toBe(true);
  expect(every.call(numbers(), (x) => x !== 3)).toBe(false);
  expect(find.call(numbers(), (x) => (x as number) > 2)).toBe(3);
});

test("adding the helpers twice changes nothing", () => {
  addIteratorHelpers();
  const { map } = Object.getPrototypeOf(Object.getPrototypeOf([].values()));
  addIteratorHelpers();
  expect(Object.getPrototypeOf(Object.getPrototypeOf([].values())).map).toBe(map);
  expect([...map.call([1, 2].values(), (x: number) => x + 1)]).toEqual([2, 3]);
});

test("the peers belong to the bench alone, at fixed versions, and its lock names no registry", () => {
  const { devDependencies, dependencies } = JSON.parse(textOf("bench/package.json"));
  expect(dependencies).toBeUndefined();
  const names = Object.keys(devDependencies);
  expect(names).toContain("@jax-js/jax");
  const { packages } = JSON.parse(textOf("bench/package-lock.json"));
  for (const name of names) {
    expect(packages[`node_modules/${name}`].version, name).toBe(devDependencies[name]);
    expect(textOf("package.json")).not.toContain(`"${name}"`);
    expect(textOf("package-lock.json")).not.toContain(`"node_modules/${name}"`);
  }
  expect(Object.values<{ resolved?: string }>(packages).filter(({ resolved }) => resolved)).toEqual([]);
});
