import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandLine } from "../../src/cli/system/shell.ts";

test("words that need no quotes have none", () => {
  expect(commandLine(["partwise", "study", "studies/small.yaml", "--out", "runs/small-1_a"])).toBe(
    "partwise study studies/small.yaml --out runs/small-1_a",
  );
});

test("a shell takes every line apart into the words that it was made of", () => {
  const words = [
    "a b",
    "it's",
    'say "so"',
    "$HOME",
    "~/runs",
    "a;b",
    "x*",
    "",
    "back\\slash",
    "größe",
    "#no",
  ];
  const heard = execFileSync("sh", ["-c", `printf '%s\\n' ${commandLine(words)}`], { encoding: "utf8" });
  expect(heard.split("\n").slice(0, -1)).toEqual(words);
});
