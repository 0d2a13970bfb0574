import fs, { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { lock } from "../../src/cli/system/lock.ts";

const link = vi.spyOn(fs, "linkSync");
let folder: string;
beforeAll(() => {
  link.mockImplementation(() => {
    throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
  });
  syncBuiltinESMExports(); // for who imports it by name
  folder = mkdtempSync(join(tmpdir(), "partwise-exfat-"));
});
afterAll(() => {
  link.mockRestore();
  syncBuiltinESMExports();
  rmSync(folder, { recursive: true, force: true });
});

test("a disk without hard links keeps others out, too", async () => {
  const path = join(folder, "run.lock");
  const release = await lock(path);
  expect(link).toHaveBeenCalled();
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid: process.pid });
  await expect(lock(path)).rejects.toThrow(`run.lock: must be free; process ${process.pid} has it`);
  release();
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, '{"pid":'); // left by one that was killed
  (await lock(path))();
  expect(readdirSync(folder)).toEqual([]);
});

test("a lock that another is writing is not taken away", async () => {
  const path = join(folder, "half.lock");
  writeFileSync(path, "");
  setTimeout(() => writeFileSync(path, JSON.stringify({ pid: 4, host: "elsewhere", began: null })), 30);
  await expect(lock(path)).rejects.toThrow("process 4 on elsewhere has it");
  rmSync(path);
});
