import { Command } from "commander";
import { expect, test } from "vitest";
import { addDataOptions } from "../../src/cli/pictures/dataOptions.ts";
import { addPartOptions, partChoiceOf } from "../../src/cli/pictures/partOptions.ts";
import { FORMATS } from "../../src/data/formats.ts";

test("the help has a line for every format of the table", () => {
  let help = "";
  const command = addDataOptions(new Command("look")).configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  for (const { name, holds } of FORMATS) expect(help).toContain(`  ${name.padEnd(14)} ${holds}\n`);
});

test("flags choose parts: those of the paper, all, or by name", () => {
  expect(partChoiceOf({})).toBeUndefined();
  expect(partChoiceOf({ parts: true })).toEqual({ names: undefined, side: "text", above: 20 });
  expect(partChoiceOf({ parts: ["all"], partSide: "code" })).toEqual({
    names: "all",
    side: "code",
    above: 20,
  });
  const parsed = addPartOptions(new Command("look")).parse(["--parts", "head, tail", "--part-above", "10"], {
    from: "user",
  });
  expect(partChoiceOf(parsed.opts())).toEqual({ names: ["head", "tail"], side: "text", above: 10 });
});
