import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { describe, expect, test } from "vitest";
import { bundleCli } from "../../scripts/bundle.mjs";
import { root, textOf } from "./files.ts";
import { withPackedProject } from "./packed.ts";

const project = withPackedProject();

/** A program of the project's that uses these names and nothing else of the library. */
function programWith(...names: string[]): string {
  const path = join(project.folder, "program.js");
  const text = `import { ${names.join(", ")} } from "partwise";\nconsole.log(${names.join(", ")});\n`;
  writeFileSync(path, text);
  return path;
}

/** A project's program as esbuild bundles and minifies it. */
async function withEsbuild(path: string): Promise<string> {
  const { outputFiles } = await esbuild({
    absWorkingDir: project.folder,
    entryPoints: [path],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

/** The same by Vite, whose bundler is Rollup's successor. */
async function withVite(entry: string): Promise<string> {
  const built = await vite({
    root: project.folder,
    configFile: false,
    logLevel: "error",
    build: { write: false, minify: true, lib: { entry, formats: ["es"] } },
  });
  const [{ output }] = built as unknown as [{ output: { code: string }[] }];
  return output.map(({ code }) => code).join("\n");
}

const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length;

/** Tensors, gradients and a recorded forward pass of the encoder: what the README's second example needs. */
const FORWARD = [
  "Device",
  "Tensor",
  "grad",
  "compile",
  "Parameters",
  "vit",
  "vitConfig",
  "vitSpecs",
  "timmInit",
];

describe.each([
  ["esbuild", withEsbuild],
  ["Vite", withVite],
])("bundled by %s, a program pays for what it uses", (_, bundle) => {
  test.each([
    ["an op", ["add"], 25_000],
    ["an op with a device to run on", ["add", "Device", "Tensor"], 25_000],
    // Products and attention bring their kernels for GPUs and for software adapters alike: 42,738 and 45,220 bytes measured.
    ["the engine and an encoder's forward pass", FORWARD, 48_000],
  ])("%s", async (_, names, budget) => {
    const text = await bundle(programWith(...names));
    expect(text).toContain("@compute"); // kernels are inside
    expect(gzipped(text)).toBeLessThanOrEqual(budget);
  });

  test("kernels of unused ops are not there, nor the image codecs", async () => {
    const text = await bundle(programWith("add"));
    for (const unused of ["fn matmul", "fn attention", "fn layerNorm", "fn adamw", "WebAssembly"]) {
      expect(text).not.toContain(unused);
    }
    expect(await bundle(programWith("attention"))).toContain("fn attention");
  });
});

test("the codecs' WASM files are the package's, and nothing but Dawn is asked of other packages", async () => {
  const { resolve } = createRequire(join(project.folder, "program.js"));
  for (const name of ["mozjpeg_dec", "webp_dec"]) {
    expect(WebAssembly.validate(readFileSync(resolve(`partwise/${name}.wasm`)))).toBe(true);
  }
  const dist = join(project.folder, "node_modules/partwise/dist");
  const { metafile } = await esbuild({
    entryPoints: ["cli.js", "core.mjs", "node.mjs", "explorer.mjs"].map((name) => join(dist, name)),
    outdir: "out",
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    metafile: true,
    write: false,
    logLevel: "error",
  });
  const asked = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(new Set(asked.filter((path) => !isBuiltin(path)))).toEqual(new Set(["webgpu"]));
});

test("the licences of all that is bundled go along", () => {
  const text = readFileSync(join(project.folder, "node_modules/partwise/dist/THIRD_PARTY_LICENSES"), "utf8");
  const bundled = ["@jsquash/jpeg", "@jsquash/webp", "commander", "d3-scale", "d3-shape", "valibot", "yaml"];
  const files = { valibot: "LICENSE.md" };
  for (const name of [...bundled, "d3-array", "d3-path"]) {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(text).toContain(`\n${name} ${version} (${license})\n`);
    expect(text).toContain(
      readFileSync(join(folder, files[name as keyof typeof files] ?? "LICENSE"), "utf8").trim(),
    );
  }
  expect(text).toContain(
    readFileSync(join(root, "node_modules/@jsquash/jpeg/codec/LICENSE.codec.md"), "utf8").trim(),
  );
  expect(text).not.toMatch(/^(webgpu|playwright|vitest) /m);
});

test("the explorer brings no engine of its own", async () => {
  const path = join(project.folder, "embedding.js");
  writeFileSync(
    path,
    'import { Device } from "partwise";\nimport { mountExplorer } from "partwise/explorer";\nconsole.log(Device, mountExplorer);\n',
  );
  const text = await withEsbuild(path);
  expect(text.split("fn flat_workgroup"), "the one function that every kernel has").toHaveLength(2);
});

test("what has been imported and not used costs next to nothing, even to a bundler that trusts no package", async () => {
  const alone = join(project.folder, "core.mjs"); // beside no package.json that says "sideEffects": false
  cpSync(join(project.folder, "node_modules/partwise/dist/core.mjs"), alone);
  const path = join(project.folder, "unused.js");
  writeFileSync(path, 'import "./core.mjs";\n');
  // What is left are statements that a bundler must take to have effects: mark their functions @__NO_SIDE_EFFECTS__.
  const { outputFiles } = await esbuild({
    entryPoints: [path],
    bundle: true,
    minify: true,
    format: "esm",
    external: ["./mozjpeg_dec.mjs", "./webp_dec.mjs"],
    write: false,
  });
  const rest = outputFiles[0]!.text;
  expect(gzipped(rest), `bytes of ${rest.slice(0, 2000)}`).toBeLessThanOrEqual(2500);
});

test("the program may be run after every build", async () => {
  const outfile = join(project.folder, "dist", "cli.js");
  for (let time = 0; time < 2; time++) {
    await bundleCli(outfile);
    if (process.platform !== "win32") expect(statSync(outfile).mode & 0o111).toBe(0o111);
  }
});

/** The README's table: compiler options by TypeScript's version and by whether `lib` holds the DOM. */
const SETTINGS = [...textOf("README.md").matchAll(/^\| (\d)\.x \| `(\{.*?\})` \| `(\{.*?\})` \|$/gm)].flatMap(
  ([, version, dom, plain]) => [
    { version: version!, lib: ["ES2023", "DOM"], options: JSON.parse(dom!) },
    { version: version!, lib: ["ES2023"], options: JSON.parse(plain!) },
  ],
);

const COMPILERS: Record<string, string> = {
  5: "node_modules/typescript5/bin/tsc",
  7: "node_modules/typescript/bin/tsc",
};

const TYPED = `import { add, type Checkpoint, Device, grad, mean, Tensor } from "partwise";
import { wait } from "partwise/node";

export async function slope(gpu: GPU, checkpoint?: Checkpoint): Promise<number> {
  const device = await Device.open(gpu, { wait });
  const x = Tensor.from(device, [1, 2], [2]);
  const [dx] = grad(mean(add(x, x)), [x]);
  return (await dx!.read())[0]! + (checkpoint ? 1 : 0);
}
`;

/** Of a page, whose library is the DOM's. */
const EMBEDDED = `import { Device, type ImageSet, type SavedEncoder } from "partwise";
import { type Explorer, mountExplorer } from "partwise/explorer";

export async function embed(gpu: GPUDevice, encoder: SavedEncoder, pictures: ImageSet): Promise<Explorer> {
  return mountExplorer(document.body, { device: await Device.open(gpu), encoder, pictures, places: "quarter" });
}
`;

test("the README says what TypeScript 5 and 7 need, with the DOM and without", () => {
  expect(SETTINGS.map(({ version, lib }) => `${version} ${lib.length}`)).toEqual([
    "5 2",
    "5 1",
    "7 2",
    "7 1",
  ]);
});

test.each(SETTINGS)("types: TypeScript $version, lib $lib, $options", ({ version, lib, options }) => {
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: "ES2023", module: "NodeNext", types: [], lib },
    ...options,
  };
  writeFileSync(join(project.folder, "typed.ts"), TYPED);
  writeFileSync(join(project.folder, "embedded.ts"), EMBEDDED);
  const files = ["typed.ts", ...(lib.includes("DOM") ? ["embedded.ts"] : [])];
  writeFileSync(join(project.folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const compiler = join(root, COMPILERS[version]!);
  const { version: installed } = JSON.parse(readFileSync(join(compiler, "../../package.json"), "utf8"));
  expect(installed).toMatch(new RegExp(`^${version}\\.`));
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", project.folder], {
    encoding: "utf8",
  });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
