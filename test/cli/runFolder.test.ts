import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunFolder } from "../../src/cli/runs/runFolder.ts";
import { UsageError } from "../../src/cli/system/errors.ts";
import { makeFolder, readBytes, writeAtomic } from "../../src/cli/system/files.ts";
import { listFolder } from "../../src/cli/system/listing.ts";
import { openFile } from "../../src/cli/system/openFile.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "partwise-run-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const row = (step: number, loss: number) => ({
  step,
  epoch: 0,
  loss,
  gradNorm: 1,
  lr: 1,
  imagesPerSecond: 2,
});

test("the log drops what lies beyond the checkpoint, and a line cut in two", async () => {
  const path = join(folder, "metrics.jsonl");
  const steps = Array.from({ length: 2500 }, (_, i) => i);
  writeFileSync(path, `${steps.map((step) => JSON.stringify(row(step, 9))).join("\n")}\n{"step":1,"lo`);
  const run = await RunFolder.at(folder);
  await run.openLog(2001);
  run.log({ ...row(2001, 5), metrics: { entropy: 3 }, secondsLeft: 7 });
  run.close();
  const lines = readFileSync(path, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    ...steps.slice(0, 2001).map((step) => row(step, 9)),
    { ...row(2001, 5), entropy: 3 },
  ]);
});

test("an atomic write replaces the whole file and leaves nothing else", async () => {
  const inside = mkdtempSync(join(folder, "atomic-"));
  await writeAtomic(join(inside, "file"), "a long first text");
  await writeAtomic(join(inside, "file"), Uint8Array.of(1, 2));
  expect([...(await readBytes(join(inside, "file")))]).toEqual([1, 2]);
  await expect(writeAtomic(join(inside, "none", "file"), "x")).rejects.toThrow(UsageError);
  expect(readdirSync(inside)).toEqual(["file"]);
});

test("folders are made with those above them, and what stands in the way is named", async () => {
  const deep = join(folder, "a", "b", "c");
  await makeFolder(deep);
  await makeFolder(`${deep}/`);
  expect(readdirSync(join(folder, "a", "b"))).toEqual(["c"]);
  const file = join(folder, "stone");
  writeFileSync(file, "");
  await expect(makeFolder(file)).rejects.toThrow(`${file}: it is a file, not a folder`);
  await expect(makeFolder(join(file, "x"))).rejects.toThrow(/x: part of its path is a file, not a folder/);
  await expect(makeFolder(join(folder, "a".repeat(300)))).rejects.toThrow(/a: its name is too long/);
  if (process.platform === "linux") await expect(makeFolder("/proc/none/x")).rejects.toThrow(UsageError);
});

test("a folder where a file should be is named, and stays", async () => {
  const inside = mkdtempSync(join(folder, "blocked-"));
  const path = join(inside, "file");
  mkdirSync(path);
  await expect(writeAtomic(path, "x")).rejects.toThrow(`${path}: it is a folder, not a file`);
  expect(readdirSync(inside)).toEqual(["file"]);
});

test("writers of one file at once leave one of them whole", async () => {
  const inside = mkdtempSync(join(folder, "many-"));
  const texts = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(100_000 * (i + 1)));
  await Promise.all(texts.map((text) => writeAtomic(join(inside, "file"), text)));
  expect(texts).toContain(readFileSync(join(inside, "file"), "utf8"));
  expect(readdirSync(inside)).toEqual(["file"]);
});

test("a folder that is taken loses what a killed writer has left in it, and nothing else", async () => {
  const inside = mkdtempSync(join(folder, "left-"));
  const left = `checkpoint.json.12.${randomUUID()}.tmp`;
  for (const name of ["checkpoint.json", "own.tmp", left]) writeFileSync(join(inside, name), "");
  const run = await RunFolder.at(inside);
  await run.make();
  run.close();
  expect(readdirSync(inside).sort()).toEqual(["checkpoint.json", "own.tmp"]);
});

test("a write that fails midway leaves the old file, and nothing else", async () => {
  const inside = mkdtempSync(join(folder, "full-"));
  const path = join(inside, "file");
  await writeAtomic(path, "old");
  async function* pieces() {
    yield "new, but ";
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  }
  const error = await writeAtomic(path, pieces()).catch((thrown: unknown) => thrown);
  expect(error).toEqual(new Error(`${path}: its disk is full`));
  expect(error).not.toBeInstanceOf(UsageError); // through no fault of the path: exit code 1
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(inside)).toEqual(["file"]);
});

test("a file is read by ranges, in calls of any size, though another takes its name", async () => {
  const path = join(folder, "ranges");
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  writeFileSync(path, bytes);
  const file = await openFile(path, 7);
  await writeAtomic(path, "another");
  expect(file.size).toBe(1000);
  for (const [offset, length] of [
    [0, 0],
    [3, 7],
    [990, 10],
    [1, 998],
  ] as const) {
    expect(await file.read(offset, length)).toEqual(bytes.subarray(offset, offset + length));
  }
  await expect(file.read(999, 2)).rejects.toThrow(
    `${path}: must not shrink while it is read; it ends at 1000`,
  );
  await file.close();
  const opened = await openFile(folder);
  await expect(opened.read(0, 1)).rejects.toThrow(`${folder}: it is a folder, not a file`);
  await opened.close();
  execFileSync("mkfifo", [join(folder, "pipe")]);
  await expect(openFile(join(folder, "pipe"))).rejects.toThrow("pipe: must be a plain file");
  await expect(openFile(join(folder, "none"))).rejects.toThrow(UsageError);
});

test("reading is bounded, and errors are sentences", async () => {
  const path = join(folder, "five");
  writeFileSync(path, "12345");
  await expect(readBytes(path, 4)).rejects.toThrow(`${path}: must have at most 4 bytes; got 5`);
  await expect(readBytes(folder)).rejects.toThrow(`${folder}: must be a plain file`);
  await expect(readBytes(join(folder, "none"))).rejects.toThrow(/none: it does not exist/);
  await expect(listFolder(join(folder, "none"))).rejects.toThrow(UsageError);
});
