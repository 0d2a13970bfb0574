import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { root } from "./files.ts";

/** Runs the set-up script with other environment variables; gives its exit status and output. */
function setup(env: Record<string, string>) {
  const { CI: _, ...rest } = process.env;
  return spawnSync(process.execPath, ["scripts/setup.mjs", "--browser"], {
    cwd: root,
    env: { ...rest, ...env },
    encoding: "utf8",
  });
}

test("a machine in order is left alone", () => {
  const { status, stdout } = setup({});
  expect(status).toBe(0);
  expect(stdout.trim().split("\n")).toEqual([
    "setup: packages are installed",
    expect.stringMatching(/^setup: adapter \S/),
    expect.stringMatching(/^setup: browser \S/),
  ]);
});

test("a missing browser stops with one sentence, as a failure in CI", () => {
  const here = setup({ CHROMIUM: "/no/such/chromium" });
  expect(here.status).toBe(2);
  expect(here.stderr.trim()).toBe("setup: CHROMIUM must name an existing file; got /no/such/chromium.");
  expect(setup({ CHROMIUM: "/no/such/chromium", CI: "true" }).status).toBe(1);
});

// Only Linux chooses drivers through this variable.
if (process.platform === "linux") {
  test("a driver that is not there stops with one sentence", () => {
    const env = { VK_DRIVER_FILES: "/no/such/driver.json" };
    const { status, stderr } = setup(env);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^setup: VK_DRIVER_FILES must name a driver Dawn accepts; got \/no\/such\/driver.json/,
    );
    expect(setup({ ...env, CI: "true" }).status).toBe(1);
  });
}
