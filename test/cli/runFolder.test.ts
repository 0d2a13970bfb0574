import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsageError } from "../../src/cli/errors.ts";
import { readBytes, writeAtomic } from "../../src/cli/files.ts";
import { listFolder } from "../../src/cli/listing.ts";
import { RunFolder } from "../../src/cli/runFolder.ts";

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
  writeFileSync(
    path,
    `${[0, 1, 2, 3].map((step) => JSON.stringify(row(step, 9))).join("\n")}\n{"step":1,"lo`,
  );
  const run = await RunFolder.at(folder);
  await run.openLog(2);
  run.log({ ...row(2, 5), secondsLeft: 7 });
  run.close();
  const lines = readFileSync(path, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([row(0, 9), row(1, 9), row(2, 5)]);
});

test("an atomic write replaces the whole file and leaves nothing else", async () => {
  const inside = mkdtempSync(join(folder, "atomic-"));
  await writeAtomic(join(inside, "file"), "a long first text");
  await writeAtomic(join(inside, "file"), Uint8Array.of(1, 2));
  expect([...(await readBytes(join(inside, "file")))]).toEqual([1, 2]);
  await expect(writeAtomic(join(inside, "none", "file"), "x")).rejects.toThrow(UsageError);
  expect(readdirSync(inside)).toEqual(["file"]);
});

test("reading is bounded, and errors are sentences", async () => {
  const path = join(folder, "five");
  writeFileSync(path, "12345");
  await expect(readBytes(path, 4)).rejects.toThrow(`${path}: must have at most 4 bytes; got 5`);
  await expect(readBytes(folder)).rejects.toThrow(`${folder}: must be a plain file`);
  await expect(readBytes(join(folder, "none"))).rejects.toThrow(/none: it does not exist/);
  await expect(listFolder(join(folder, "none"))).rejects.toThrow(UsageError);
});
