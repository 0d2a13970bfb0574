import { beforeAll, expect, test } from "vitest";
import { create } from "webgpu";
import { fuse } from "../../src/engine/capture/fuse.ts";
import type { Command } from "../../src/engine/gpu/command.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { type Constants, type Kernel, knownKernels, spelledOut } from "../../src/engine/gpu/kernel.ts";
import { Storage } from "../../src/engine/gpu/memory.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { matrixMethods } from "../../src/engine/ops/gemmMatrix.ts";
import { gemmMethods, register } from "../../src/engine/ops/gemmMethods.ts";
import { testGpu } from "../gpu.ts";
import { filesUnder, root, textOf } from "./files.ts";
import { kernelSamples } from "./kernelSamples.ts";

/** Dawn's null backend: Tint's full validation without a GPU. It executes nothing, so it is good for this only. */
const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
let compiler: GPUDevice;

beforeAll(async () => {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("shaders: Dawn must have its null backend; got no adapter.");
  compiler = await adapter.requestDevice({ requiredFeatures: [...adapter.features] as GPUFeatureName[] });
  for (const path of filesUnder("src", ".ts").filter((name) => /^src\/(engine|pictures)\//.test(name)))
    await import(/* @vite-ignore */ `${root}${path}`);
  await askForSampleKernels();
});

/** Subgroup matrices and lanes as NVIDIA's, Intel's and Apple's adapters list them. */
const MATRICES = [
  [{ m: 16, n: 16, k: 16 }, 32],
  [{ m: 8, n: 16, k: 16 }, 16],
  [{ m: 8, n: 8, k: 8 }, 32],
] as const;
const LIMITS = { maxComputeWorkgroupStorageSize: 49_152, maxComputeInvocationsPerWorkgroup: 1024 };

/**
 * Records the samples forward and backward, for several subgroup sizes and every method of products, and fuses what can
 * be fused: only the kernels' texts are made.
 */
async function askForSampleKernels(): Promise<void> {
  const adapter = await testGpu().requestAdapter();
  const gpuDevice = await adapter!.requestDevice(); // with the default limits, as the compiler has
  const device = await Device.open(gpuDevice);
  for (const subgroupSize of [0, 4, 8, 32]) {
    device.capabilities = { ...device.capabilities, subgroupSize };
    for (const { name } of gemmMethods(device.capabilities)) {
      device.tuning.choose = () => name;
      for (const sample of kernelSamples) askFor(device, sample);
    }
  }
  device.destroy();
  const f16 = await Device.open(gpuDevice, { precision: "f16" });
  for (const matrices of [[], ...MATRICES.map(([shape, lanes]) => matrixMethods(shape, lanes, LIMITS))]) {
    f16.capabilities = { ...f16.capabilities, matrices };
    for (const { name } of matrices.length > 0 ? matrices : [register]) {
      f16.tuning.choose = () => name;
      for (const sample of kernelSamples) askFor(f16, sample);
    }
  }
  f16.destroy();
  gpuDevice.destroy();
}

function askFor(device: Device, sample: (typeof kernelSamples)[number]): void {
  const commands: Command[] = [];
  const transient = new Set<Storage>();
  const recorder = {
    record: (command: Command) => void commands.push(command),
    allocate(bytes: number) {
      const storage = new Storage(bytes, null, false);
      transient.add(storage);
      return storage;
    },
  };
  const gradients = device.recordTo(recorder, () => {
    const inputs: Tensor[] = [];
    const output = sample((...shape) => {
      const input = Tensor.empty(device, shape);
      inputs.push(input);
      return input;
    });
    return grad(output, inputs, { seed: Tensor.empty(device, output.shape) });
  });
  fuse(commands, {
    transient,
    kept: new Set(gradients.map(({ storage }) => storage)),
    bindings: 8,
    reach: 8,
  });
}

/** What the compiler says about a source; nothing if it is valid. */
async function complaints(code: string): Promise<string[]> {
  compiler.pushErrorScope("validation");
  const { messages } = await compiler.createShaderModule({ code }).getCompilationInfo();
  await compiler.popErrorScope();
  return messages.map(({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}`);
}

/** Whether a kernel needs more workgroup memory than the null backend has: then its text alone is checked. */
const needsMore = (source: string): boolean => source.includes("subgroup_matrix");

/** Why a kernel does not become a pipeline, or undefined if it does. */
async function refusal({ entry, source }: Pick<Kernel, "entry" | "source">): Promise<string | undefined> {
  if (needsMore(source)) {
    const [complaint] = await complaints(source);
    return complaint && `${entry}: ${complaint}`;
  }
  compiler.pushErrorScope("validation");
  const module = compiler.createShaderModule({ code: source });
  compiler.createComputePipeline({ layout: "auto", compute: { module, entryPoint: entry } });
  const error = await compiler.popErrorScope();
  return error ? `${entry}: ${error.message}` : undefined;
}

/** A file after the files that its header asks for: `// Needs reduce.wgsl grid.wgsl.` */
function withNeeds(path: string): string {
  const text = textOf(path);
  const header = text.split(/^(?!\/\/)/m)[0]!;
  const names = [...(header.match(/\bNeeds [^:]*/)?.[0] ?? "").matchAll(/\b\w+\.wgsl\b/g)];
  return [...names.map(([name]) => textOf(`src/shaders/${name}`)), text].join("\n");
}

test("every kernel the engine asks for compiles", async () => {
  const kernels = [...knownKernels()];
  expect(kernels.length).toBeGreaterThan(kernelSamples.length);
  expect(kernels.filter(({ source }) => needsMore(source)).length).toBeGreaterThan(100);
  const refusals = await Promise.all(kernels.map(refusal));
  expect(refusals.filter((text) => text !== undefined)).toEqual([]);
});

/** A file, or each part of one that offers several. */
const piecesOf = (text: string): string[] => {
  const parts = text.split(/^(?=\/\/ part: )/m);
  return parts.length > 1 ? parts.slice(1) : parts;
};

test.each(filesUnder("src/shaders", ".wgsl"))("%s compiles, in a kernel or alone", async (path) => {
  const isInKernel = (text: string) =>
    [...knownKernels()].some(({ source }) =>
      source.includes(text.includes("$repeat") ? spelledOut(text, constantsOf(source)) : text),
    );
  const idle = piecesOf(textOf(path)).filter((text) => !isInKernel(text));
  const left = idle.length === 0 ? [] : await complaints(withNeeds(path));
  expect(left, "a file that is not WGSL by itself needs a call in kernelSamples.ts").toEqual([]);
});

/** The whole numbers a kernel's text begins with. */
const constantsOf = (source: string): Constants =>
  Object.fromEntries(
    [...source.matchAll(/^const (\w+) = (\d+)u;$/gm)].map(([, name, value]) => [name, Number(value)]),
  );

test("what is repeated is spelled out with its number", () => {
  const text = "$repeat(g, MANY)\nvar a$g_x = $gu;\n$end\nrest$g;";
  expect(spelledOut(text, { MANY: 2 })).toBe("\nvar a0_x = 0u;\n\nvar a1_x = 1u;\n\nrest$g;");
  expect(spelledOut(text, { MANY: 0 })).toBe("\nrest$g;");
});

test("a faulty shader is refused", async () => {
  expect(await complaints("fn f() -> u32 { return missing(); }")).toHaveLength(1);
  const faulty = "@compute @workgroup_size(4096) fn f() {}";
  expect(await refusal({ entry: "f", source: faulty })).toContain("workgroup");
});
