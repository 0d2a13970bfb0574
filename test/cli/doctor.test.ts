import { expect, test } from "vitest";
import { version } from "../../package.json";
import { withProgram } from "./program.ts";

const program = withProgram();

test("doctor names the adapter and measures it", async () => {
  const found = await program.json("doctor");
  expect(found.adapter).toMatch(/\S/);
  expect(found).toMatchObject({
    command: "doctor",
    software: expect.any(Boolean),
    features: expect.any(Array),
  });
  const limits = found.limits as Record<string, number>;
  expect(limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(128 * 2 ** 20);
  const { copy, arithmetic, matmul } = found as Record<string, Record<string, number>>;
  expect(copy!.gigabytesPerSecond).toBeGreaterThan(0);
  expect(copy!.bytes).toBeGreaterThanOrEqual(64 * 2 ** 20);
  expect(["kernel", "queue"]).toContain(copy!.by);
  expect(found.f16).toMatchObject({
    matrices: expect.any(Array),
    refused: [],
    text: expect.stringMatching(/\S/),
  });
  for (const { gigaflops } of [arithmetic!, matmul!]) expect(gigaflops).toBeGreaterThan(0);
});

// Only Linux chooses drivers through this variable.
if (process.platform === "linux") {
  test("without an adapter it says what to install", async () => {
    process.env.VK_DRIVER_FILES = "/no/such/driver.json";
    try {
      const { code, stderr } = await program.run("doctor");
      expect(stderr).toMatch(/^partwise: no WebGPU adapter was found: install a Vulkan driver/m);
      expect(code).toBe(2);
    } finally {
      delete process.env.VK_DRIVER_FILES;
    }
  });
}

test("help and version exit 0", async () => {
  expect(await program.run("--version")).toMatchObject({ code: 0, stdout: `${version}\n` });
  for (const args of [
    [],
    ["doctor"],
    ["pretrain"],
    ["pretrain", "mae"],
    ["eval"],
    ["eval", "knn"],
    ["eval", "linear"],
    ["eval", "attentive"],
    ["eval", "retrieval"],
    ["eval", "segmentation"],
    ["profile"],
    ["profile", "mae"],
    ["tune"],
    ["tune", "mae"],
  ]) {
    const { code, stdout, stderr } = await program.run(...args, "--help");
    expect(stdout).toMatch(/Usage: partwise[\s\S]*Examples?:\n {2}partwise /);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  }
});
