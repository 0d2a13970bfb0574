import { posix } from "node:path";
import { expect, test } from "vitest";
import { filesUnder, textOf } from "./files.ts";

/** Who may import whom. Lower layers know nothing of higher ones. */
const LAYERS: Record<string, string[]> = {
  shaders: [],
  engine: ["shaders"],
  data: [],
  models: ["engine"],
  profile: ["engine"],
  train: ["engine", "models", "data"],
  eval: ["engine", "models", "data"],
  study: ["engine", "models", "data", "train", "eval"],
  index: ["engine", "models", "data", "profile", "train", "eval", "study"],
  node: [],
  cli: ["engine", "models", "data", "profile", "train", "eval", "study", "index", "node"],
};

const IMPORT = /^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

/** The layer of a path from the root: its first folder under src, or the file's own name. */
const layerOf = (path: string): string => path.split("/")[1]!.split(".")[0]!;

/** Whether a file may import a package or a part of Node: the command line, and image decoding its codecs. */
const mayImportPackage = (path: string, name: string): boolean =>
  path.startsWith("src/cli/") || (path.startsWith("src/data/decode") && name.startsWith("@jsquash/"));

/** The imports of one file that the layers forbid, as `file -> target`. */
function forbidden(path: string, text: string): string[] {
  const allowed = LAYERS[layerOf(path)] ?? [];
  return [...text.matchAll(IMPORT)]
    .map((match) => match.slice(1).find(Boolean)!)
    .filter((target) => {
      if (!target.startsWith(".")) return !mayImportPackage(path, target);
      const layer = layerOf(posix.join(posix.dirname(path), target));
      return layer !== layerOf(path) && !allowed.includes(layer);
    })
    .map((target) => `${path} -> ${target}`);
}

test("every folder under src is a known layer", () => {
  const sources = filesUnder("src", ".ts", ".wgsl").filter((path) => path !== "src/wgsl.d.ts");
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.filter((path) => !(layerOf(path) in LAYERS))).toEqual([]);
});

test("imports point down", () => {
  expect(filesUnder("src", ".ts").flatMap((path) => forbidden(path, textOf(path)))).toEqual([]);
});

test("the rule catches what it must", () => {
  const caught = (path: string, target: string) => forbidden(path, `import x from "${target}";`).length === 1;
  expect(caught("src/engine/a.ts", "../models/vit.ts")).toBe(true);
  expect(caught("src/eval/a.ts", "../train/trainer.ts")).toBe(true);
  expect(caught("src/data/a.ts", "node:fs")).toBe(true);
  expect(caught("src/data/a.ts", "@jsquash/png")).toBe(true);
  expect(caught("src/engine/ops/a.ts", "../../shaders/sum.wgsl")).toBe(false);
  expect(caught("src/engine/ops/a.ts", "../tensor.ts")).toBe(false);
  expect(caught("src/data/decode.ts", "@jsquash/png/decode.js")).toBe(false);
  expect(caught("src/cli/main.ts", "node:fs")).toBe(false);
  expect(forbidden("src/models/a.ts", 'export { x } from "../train/b.ts";')).toHaveLength(1);
  expect(forbidden("src/models/a.ts", 'await import("../train/b.ts");')).toHaveLength(1);
});
