import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsageError } from "../../src/cli/system/errors.ts";
import { lock } from "../../src/cli/system/lock.ts";

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "partwise-lock-"));
  path = join(folder, "run.lock");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("keeps others out until it is given back", async () => {
  const release = await lock(path);
  await expect(lock(path)).rejects.toThrow(UsageError);
  await expect(lock(path)).rejects.toThrow(
    `run.lock: must be free; process ${process.pid} has it. Wait for that run`,
  );
  release();
  expect(existsSync(path)).toBe(false);
  (await lock(path))();
});

test("of a process that has ended is taken over, whole or cut in two", async () => {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  const { pid } = child;
  await once(child, "exit");
  for (const left of [JSON.stringify({ pid, host: hostname(), began: "1" }), '{"pid":12', ""]) {
    writeFileSync(path, left);
    const release = await lock(path);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid: process.pid, host: hostname() });
    release();
  }
  expect(readdirSync(folder)).toEqual([]);
});

test("of an ended process whose number another has by now is taken over, too", async () => {
  writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname(), began: "before this one" }));
  (await lock(path))();
});

test("of a process on another host stays, with the way out", async () => {
  writeFileSync(path, JSON.stringify({ pid: 4, host: "elsewhere", began: null }));
  await expect(lock(path)).rejects.toThrow(
    "process 4 on elsewhere has it. If that one has ended, delete the file",
  );
  expect(existsSync(path)).toBe(true);
  rmSync(path);
});

test("goes to one of many that want it at once", async () => {
  writeFileSync(path, "");
  const won = await Promise.allSettled(Array.from({ length: 8 }, () => lock(path)));
  const releases = won.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  expect(releases).toHaveLength(1);
  releases[0]!();
});
