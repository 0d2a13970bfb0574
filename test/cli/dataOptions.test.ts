import { Command } from "commander";
import { expect, test } from "vitest";
import { addDataOptions } from "../../src/cli/dataOptions.ts";
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
