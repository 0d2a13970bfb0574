import { expect, test } from "vitest";
import { filesUnder, textOf } from "./files.ts";

/** Lines of TypeScript and WGSL the engine may have: what one person can read in a few days. Why: decision 8. */
const ENGINE_BUDGET = 13_100;

const FOLDERS = ["src", "web", "test", "bench", "scripts"];
const everything = FOLDERS.flatMap((folder) =>
  filesUnder(folder, ".ts", ".mjs", ".py", ".wgsl", ".html", ".css"),
);

test("the engine stays within its budget", () => {
  const engine = [...filesUnder("src/engine", ".ts"), ...filesUnder("src/shaders", ".wgsl")];
  const lines = engine.reduce((sum, path) => sum + textOf(path).split("\n").length - 1, 0);
  expect(lines).toBeGreaterThan(0);
  expect(lines).toBeLessThanOrEqual(ENGINE_BUDGET);
});

test("no work is left as a note", () => {
  const note = new RegExp(["TO", "FIX"].map((start, i) => `\\b${start}${["DO", "ME"][i]}\\b`).join("|"));
  expect(everything.filter((path) => note.test(textOf(path)))).toEqual([]);
});

test("every name says what is inside", () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc)(\/|\.[^/]*$)/i;
  expect(vague.test("src/engine/utils.ts")).toBe(true);
  expect(vague.test("test/helpers/gpu.ts")).toBe(true);
  expect(everything.filter((path) => vague.test(path))).toEqual([]);
});
