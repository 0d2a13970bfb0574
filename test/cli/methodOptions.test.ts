import { Command } from "commander";
import { expect, test } from "vitest";
import { addModelOptions, configOf } from "../../src/cli/options/methodOptions.ts";
import type { MethodName } from "../../src/models/methods.ts";

/** The settings that a command line gives. */
function given(method: MethodName, ...line: string[]): Record<string, unknown> {
  const command = addModelOptions(new Command(), method).exitOverride();
  command.parse(line, { from: "user" });
  return configOf(command, method);
}

/** What the help of a flag says behind it, on one line. */
function helpOf(method: MethodName, flag: string): string {
  const command = addModelOptions(new Command(), method).configureHelp({ helpWidth: 1000 });
  const line = command
    .helpInformation()
    .split("\n")
    .find((text) => text.includes(`${flag} `));
  return line?.trim().replace(/ {2,}/, "  ") ?? "";
}

test("a toggle has both forms, so that what a recipe turned can be turned back", () => {
  expect(given("beit")).toEqual({});
  expect(given("beit", "--relative-positions")).toEqual({ relativePositions: true });
  expect(given("beit", "--no-relative-positions")).toEqual({ relativePositions: false });
  expect(given("supervised", "--no-mean-pool", "--mixup", "0")).toEqual({ meanPool: false, mixup: 0 });
  expect(given("ibot", "--random-masks")).toEqual({ randomMasks: true });
});

test("help says what each recipe has, and names those of fine-tuning together", () => {
  expect(helpOf("data2vec", "--relative-positions")).toMatch(/ \(default: on; small: off\)$/);
  expect(helpOf("ibot", "--random-masks")).toMatch(/ \(default: off\)$/);
  expect(helpOf("supervised", "--layer-decay <x>")).toMatch(/ \(default: 1; finetune-\*: 0\.65\)$/);
  expect(helpOf("supervised", "--mean-pool")).toMatch(/ \(default: off; finetune-\*: on\)$/);
  expect(helpOf("supervised", "--repeated-augmentation <n>")).toMatch(
    / \(default: 3; small, finetune-\*: 1\)$/,
  );
  expect(helpOf("supervised", "--drop-path <p>")).toMatch(
    / \(default: 0\.1; small, finetune-small: 0; finetune-data2vec: 0\.2\)$/,
  );
});

test("nothing is dropped whole: the flag is named", () => {
  for (const method of ["supervised", "dino", "ibot", "beit", "data2vec", "cae"] as const) {
    expect(() => given(method, "--drop-path", "1")).toThrow(
      "--drop-path must be a number from 0 to below 1; got 1",
    );
  }
});
