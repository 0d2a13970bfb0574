// scripts/results.mjs with a program in the place of partwise that notes how it was called, and answers at once.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "./files.ts";

const PROGRAM = `
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
const args = process.argv.slice(2);
appendFileSync("calls.txt", args.join(" ") + "\\n");
const out = args[args.indexOf("--out") + 1];
const isStopped = existsSync("stop");
if (args[0] === "pretrain") {
  const isFinished = existsSync(out + "/finished");
  mkdirSync(out, { recursive: true });
  writeFileSync(out + "/checkpoint.json", "{}");
  writeFileSync(out + "/metrics.jsonl", '{"loss":0.75}\\n{"loss":0.5}\\n');
  if (!isStopped) writeFileSync(out + "/finished", "");
  const loss = isFinished ? null : 0.5;
  console.log(JSON.stringify({ step: 3, loss, seconds: isFinished ? 1 : 100, stopped: isStopped }));
  process.exit(isStopped ? 143 : 0);
}
console.log(JSON.stringify(args[1] === "knn" ? { scores: [{ top1: 0.25 }] } : { top1: 0.5 }));
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "partwise-results-"));
  for (const name of ["dist", "pictures"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "dist", "cli.js"), PROGRAM);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
function results(name: string, seeds: string, ...pretrain: string[]) {
  writeFileSync(at("calls.txt"), "");
  const own = ["--data", "pictures", "--name", name, "--seeds", seeds, "--out", "out"];
  const script = join(root, "scripts", "results.mjs");
  const ended = spawnSync(process.execPath, [script, ...own, "--", ...pretrain, "--", "--epochs", "2"], {
    cwd: folder,
    encoding: "utf8",
  });
  return { ...ended, calls: readFileSync(at("calls.txt"), "utf8").trim().split("\n").filter(Boolean) };
}
const rowsOf = (name: string) => JSON.parse(readFileSync(at(`out/${name}.json`), "utf8")).rows;

test("a second call keeps what was recorded, and runs what is missing", () => {
  const first = results("kept", "0");
  expect(first.status, first.stderr).toBe(0);
  expect(first.calls).toHaveLength(5);
  expect(first.stdout).toContain("\n| linear pretrained | 50.0 | 50.0 |\n"); // one seed scatters from nothing
  const [recorded] = rowsOf("kept");
  expect(recorded).toMatchObject({ seed: 0, lossLast: 0.5, seconds: 100 });
  const second = results("kept", "0,1");
  expect(second.calls.map((call) => /seed(\d)/.exec(call)![1])).toEqual(["1", "1", "1", "1", "1"]);
  expect(rowsOf("kept")).toMatchObject([recorded, { seed: 1, seconds: 100 }]);
  expect(second.stdout).toContain("\n| knn untrained | 25.0 | 25.0 | 25.0 ± 0.0 |\n");
  const other = results("kept", "0", "--steps", "9");
  expect([other.status, other.calls]).toEqual([2, []]);
  expect(other.stderr).toMatch(/^results: .*kept\.json must be of the same runs; it has those of /);
});

test("a run that was stopped is not measured, and goes on", () => {
  writeFileSync(at("stop"), "");
  const stopped = results("stopped", "0");
  expect([stopped.status, stopped.calls.length]).toEqual([1, 1]);
  expect(stopped.stderr).toContain("results: seed 0 was stopped at step 3: the same command goes on");
  expect(stopped.stdout).not.toContain("| linear");
  rmSync(at("stop"));
  const { calls } = results("stopped", "0");
  expect(calls[0]).toMatch(/ --resume$/);
  expect(rowsOf("stopped")).toMatchObject([{ lossLast: 0.5, seconds: 200, stopped: false }]);
});

test("a finished run that was not recorded has its loss, and no time", () => {
  mkdirSync(at("out/found-seed0"), { recursive: true });
  for (const name of ["checkpoint.json", "finished"]) writeFileSync(at(`out/found-seed0/${name}`), "");
  expect(results("found", "0").status).toBe(0);
  expect(rowsOf("found")).toMatchObject([{ lossLast: 0.5, seconds: null }]);
});
