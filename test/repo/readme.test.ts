import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { testGpu } from "../gpu.ts";
import { root, textOf } from "./files.ts";

const snippets = [...textOf("README.md").matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);

/** Runs a snippet against the sources; returns what it prints. */
async function printed(snippet: string): Promise<unknown[][]> {
  const body = snippet.replace('from "partwise"', `from "${root}src/index.ts"`);
  const { outputFiles } = buildSync({
    stdin: {
      contents: `export async function run(gpu, console) {\n${hoist(body)}\n}`,
      resolveDir: root,
      loader: "ts",
    },
    bundle: true,
    write: false,
    format: "esm",
    loader: { ".wgsl": "text" },
    external: ["webgpu"],
    platform: "node",
  });
  const lines: unknown[][] = [];
  const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString("base64")}`;
  const { run } = await import(/* @vite-ignore */ url);
  await run(testGpu(), { log: (...values: unknown[]) => lines.push(values) });
  return lines;
}

/** A function body cannot hold static imports: they become dynamic ones. */
const hoist = (body: string): string =>
  body.replace(/import \{([^}]*)\} from ("[^"]+");/, "const {$1} = await import($2);");

test("the README's first snippet gives a loss and its gradient", async () => {
  const [[loss, gradient]] = (await printed(snippets[0]!)) as [[number, Float32Array]];
  expect(loss).toBeCloseTo(0.16, 5); // every row gives -0.5 + 0.1
  expect(gradient[0]).toBeCloseTo(-2.4, 4); // 2 · (-0.4) · mean of 1, 3, 5
  expect(gradient[1]).toBeCloseTo(-3.2, 4);
});

test("the README's second snippet encodes two pictures", async () => {
  expect(await printed(snippets[1]!)).toEqual([[2 * 65 * 96]]);
});
