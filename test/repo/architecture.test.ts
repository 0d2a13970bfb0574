import { posix } from "node:path";
import { expect, test } from "vitest";
import { filesUnder, textOf } from "./files.ts";

/** Who may import whom, lower layers first. Lower layers know nothing of higher ones. */
const LAYERS: Record<string, string[]> = {
  shaders: [],
  engine: ["shaders"],
  data: [],
  pictures: ["shaders", "engine", "data"],
  models: ["engine", "pictures"],
  profile: ["engine"],
  train: ["engine", "models", "data", "pictures"],
  eval: ["engine", "models", "data", "pictures"],
  study: ["engine", "models", "data", "pictures", "train", "eval"],
  index: ["engine", "models", "data", "pictures", "profile", "train", "eval", "study"],
  node: [],
  explorer: ["index"],
  cli: ["engine", "models", "data", "pictures", "profile", "train", "eval", "study", "index", "node"],
};

/** The same inside of a layer that has folders; `*` are the files beside them. The engine's `random` is arithmetic on the host, on nothing of ours. */
const GROUPS: Record<string, Record<string, string[]>> = {
  engine: {
    random: [],
    gpu: [],
    graph: ["gpu"],
    capture: ["gpu", "graph"],
    ops: ["gpu", "graph", "random"],
    optim: ["gpu", "graph", "ops"],
    step: ["gpu", "graph", "ops"],
    index: ["random", "gpu", "graph", "capture", "ops", "optim", "step"],
  },
  eval: { "*": [], probes: ["*"], maps: ["*", "probes"], segmentation: ["*", "maps"] },
  cli: {
    system: [],
    options: ["system"],
    pictures: ["system", "options"],
    runs: ["system", "options", "pictures"],
    sheets: ["system", "runs"],
    study: ["system", "pictures", "runs", "sheets"],
    "*": ["system", "options", "pictures", "runs", "sheets", "study"],
  },
};

const IMPORT = /^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

/** What a file imports: packages as they are called, files as paths from the root. */
const importsOf = (path: string, text: string): string[] =>
  [...text.matchAll(IMPORT)]
    .map((match) => match.slice(1).find(Boolean)!)
    .map((target) => (target.startsWith(".") ? posix.join(posix.dirname(path), target) : target));

/** The layer of a path from the root: its first folder under src, or the file's own name. */
const layerOf = (path: string): string => path.split("/")[1]!.split(".")[0]!;
/** The folder of its layer that a path lies in; of a file beside the folders `*`, or its name where the table has no `*`. */
function groupOf(path: string): string {
  const [, layer, name] = path.split("/") as [string, string, string];
  const [group] = name.split(".") as [string];
  return path.split("/").length === 3 && "*" in GROUPS[layer]! ? "*" : group;
}

/** Whether a file may import a package or a part of Node: the command line, and image decoding its codecs. */
const mayImportPackage = (path: string, name: string): boolean =>
  path.startsWith("src/cli/") || (path.startsWith("src/data/decode") && name.startsWith("@jsquash/"));

/** Whether `from` may import from `to`, both names in a table of who may import whom. */
const allows = (table: Record<string, string[]>, from: string, to: string): boolean =>
  from === to || (table[from] ?? []).includes(to);

/** The imports of one file that the layers forbid, as `file -> target`. */
function forbidden(path: string, text: string): string[] {
  return importsOf(path, text)
    .filter((target) => {
      if (!target.startsWith("src/")) return !mayImportPackage(path, target);
      const [layer, other] = [layerOf(path), layerOf(target)];
      if (!allows(LAYERS, layer, other)) return true;
      const groups = layer === other ? GROUPS[layer] : undefined;
      return groups !== undefined && !allows(groups, groupOf(path), groupOf(target));
    })
    .map((target) => `${path} -> ${target}`);
}

/** A circle of imports, types included, as the files on it; null where there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    done.add(path);
    for (const target of imports.get(path) ?? []) {
      const circle = walk(target, [...trail, path]);
      if (circle) return circle;
    }
    return null;
  };
  for (const path of imports.keys()) {
    const circle = walk(path, []);
    if (circle) return circle;
  }
  return null;
}

test("every folder under src is a known layer, and every one of theirs a known group", () => {
  const sources = filesUnder("src", ".ts", ".wgsl").filter((path) => path !== "src/wgsl.d.ts");
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.filter((path) => !(layerOf(path) in LAYERS))).toEqual([]);
  const isStray = (path: string) => layerOf(path) in GROUPS && !(groupOf(path) in GROUPS[layerOf(path)]!);
  expect(sources.filter(isStray)).toEqual([]);
});

test("imports point down", () => {
  expect(filesUnder("src", ".ts").flatMap((path) => forbidden(path, textOf(path)))).toEqual([]);
});

test("no file imports itself by way of others, not even for a type", () => {
  const files = filesUnder("src", ".ts");
  expect(circleIn(new Map(files.map((path) => [path, importsOf(path, textOf(path))])))).toBeNull();
});

test("the rules catch what they must", () => {
  const caught = (path: string, target: string) => forbidden(path, `import x from "${target}";`).length === 1;
  expect(caught("src/engine/gpu/a.ts", "../../models/vit.ts")).toBe(true);
  expect(caught("src/eval/a.ts", "../train/trainer.ts")).toBe(true);
  expect(caught("src/data/a.ts", "node:fs")).toBe(true);
  expect(caught("src/data/a.ts", "@jsquash/jpeg")).toBe(true);
  expect(caught("src/engine/ops/a.ts", "../../shaders/sum.wgsl")).toBe(false);
  expect(caught("src/engine/ops/a.ts", "../graph/tensor.ts")).toBe(false);
  expect(caught("src/engine/graph/a.ts", "../ops/sum.ts")).toBe(true);
  expect(caught("src/engine/gpu/a.ts", "../graph/tensor.ts")).toBe(true);
  expect(caught("src/engine/capture/a.ts", "../optim/adamw.ts")).toBe(true);
  expect(caught("src/data/decode.ts", "@jsquash/jpeg/decode.js")).toBe(false);
  expect(caught("src/cli/main.ts", "node:fs")).toBe(false);
  expect(caught("src/cli/runs/a.ts", "../study/cell.ts")).toBe(true);
  expect(caught("src/cli/system/a.ts", "../search.ts")).toBe(true);
  expect(caught("src/cli/search.ts", "./study/cell.ts")).toBe(false);
  expect(caught("src/eval/features.ts", "./probes/knn.ts")).toBe(true);
  expect(forbidden("src/models/a.ts", 'export { x } from "../train/b.ts";')).toHaveLength(1);
  expect(forbidden("src/models/a.ts", 'await import("../train/b.ts");')).toHaveLength(1);
  const circle = { a: ["b"], b: ["c", "d"], c: [], d: ["a"] };
  expect(circleIn(new Map(Object.entries(circle)))).toEqual(["a", "b", "d", "a"]);
  expect(circleIn(new Map(Object.entries({ ...circle, d: ["c"] })))).toBeNull();
});
