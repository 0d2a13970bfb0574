import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { anywhere, stripWgsl } from "../../scripts/bundle.mjs";
import { filesUnder, root, textOf } from "./files.ts";

/** What a page may have to load of us, in bytes after gzip: the core, and the core with readers, data, probes and trainer. */
const CORE_BUDGET = 81_000;
const BUDGET = 180_000;

/** Bytes of a module and all it imports, bundled as dist/core.mjs is, minified and compressed. */
async function gzipped(contents: string): Promise<number> {
  const { outputFiles } = await build({
    ...anywhere,
    stdin: { contents, resolveDir: `${root}src`, loader: "ts" },
    minify: true,
    write: false,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

test("the library stays small: engine and models, and all of it with the image codecs' code", async () => {
  const models = filesUnder("src/models", ".ts").map((path) => `export * from "${root}${path}";`);
  const engineAndModels = await gzipped(['export * from "./engine/index.ts";', ...models].join("\n"));
  const everything = await gzipped('export * from "./index.ts";');
  expect(engineAndModels).toBeGreaterThan(20_000); // it holds what it should
  expect(engineAndModels).toBeLessThanOrEqual(CORE_BUDGET);
  expect(everything).toBeGreaterThan(engineAndModels);
  expect(everything).toBeLessThanOrEqual(BUDGET);
});

test("bundled shaders lose comments and layout, and nothing else", () => {
  expect(stripWgsl("// head\n\n  let a = b / c; // half\n  if (a > -b) {\n    d(- -a);\n  }\n")).toBe(
    "let a=b/c;if(a > -b){d(- -a);}",
  );
  expect(stripWgsl("// head\n// part: a b\n// why\nfn f() {\n}\n// part: c\nfn g() {}\n")).toBe(
    "// part: a b\nfn f(){}\n// part: c\nfn g(){}",
  );
  for (const path of filesUnder("src/shaders", ".wgsl")) {
    const text = textOf(path);
    const words = (wgsl: string) =>
      wgsl
        .replace(/\/\/.*/g, "")
        .replace(/\s+/g, " ")
        .replace(/ ?([^\w ]) ?/g, "$1")
        .trim();
    expect(words(stripWgsl(text)), path).toBe(words(text));
    expect(stripWgsl(text), path).not.toMatch(/\/\/(?! part: \w)|[;{}][^\S\n]/);
  }
});
