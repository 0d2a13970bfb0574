import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { relativeError, relativeErrors } from "../../bench/measure/errors.ts";
import { commandLine, UsageError, wholeNumber } from "../../bench/measure/program.ts";
import { slugOf } from "../../bench/measure/results.ts";
import { megabytes, ms, table } from "../../bench/measure/table.ts";
import { root } from "../repo/files.ts";

test("an unknown bench is refused with the names there are", () => {
  const args = ["scripts/bench.mjs", "nothing"];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(status).toBe(2);
  expect(stderr).toBe(
    "bench: the name must be one of coco, features, gpu, growth, ops, peers, precision, retrieval, step, torch; got nothing.\n",
  );
});

test("numbers on the command line are whole and large enough", () => {
  expect(wholeNumber("repeats", undefined, 7)).toBe(7);
  expect(wholeNumber("repeats", "3", 7)).toBe(3);
  for (const text of ["0", "1.5", "many"]) {
    expect(() => wholeNumber("repeats", text, 7)).toThrow(UsageError);
  }
  const wrong = () => {
    throw new Error("Unknown option '--fast'");
  };
  expect(() => commandLine(wrong)).toThrow(UsageError);
});

test("errors are relative L2, of all values and of the worst array", () => {
  expect(relativeError([3, 4], [3, 5])).toBeCloseTo(1 / Math.sqrt(34), 12);
  expect(relativeError([0, 0.5], [0, 0])).toBe(0.5);
  const expected = new Map([
    ["a", [3, 4]],
    ["b", [1]],
  ]);
  const actual = new Map([
    ["a", [3, 4]],
    ["b", [1.5]],
  ]);
  const { total, worst } = relativeErrors(actual, expected);
  expect(total).toBeCloseTo(0.5 / Math.sqrt(26), 12);
  expect(worst).toEqual({ name: "b", error: 0.5 });
  expect(() => relativeErrors(new Map(), expected)).toThrow("a needs 2 values; got none");
  const broken = relativeErrors(new Map([...actual, ["b", [Number.NaN]]]), expected);
  expect(broken.total).toBeNaN();
  expect(broken.worst.name).toBe("b");
});

test("figures are printed alike", () => {
  expect(
    table(
      ["", "ms"],
      [
        ["first", "1"],
        ["b", "200"],
      ],
    ),
  ).toBe("        ms\nfirst    1\nb      200");
  expect([ms(0.012345), ms(4.5678), ms(3401.4)]).toEqual(["0.0123", "4.57", "3401"]);
  expect(megabytes(12_345_678)).toBe("12.3 MB");
  expect(slugOf("llvmpipe: Mesa 25.0.7 (LLVM 15)")).toBe("llvmpipe-mesa-25-0-7-llvm-15");
});
