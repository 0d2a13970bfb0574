/** The commands of `partwise`. */
import { Command } from "commander";
import { doctorCommand } from "./doctor.ts";
import { evalCommand } from "./eval.ts";
import { mapsCommand } from "./maps.ts";
import { planCommand } from "./plan.ts";
import { pretrainCommand } from "./pretrain.ts";
import { profileCommand } from "./profile.ts";
import { searchCommand } from "./search.ts";
import { studyCommand } from "./study.ts";
import { ownVersion } from "./system/versions.ts";
import { tokenizerCommand } from "./tokenizer.ts";
import { tuneCommand } from "./tune.ts";

const EXAMPLES = `
Examples:
  partwise doctor
  partwise plan mae --model vit_small_patch16_224 --batch 64
  partwise pretrain mae --data creatures --model vit_micro_patch4_32 --steps 500 --out runs/first
  partwise eval linear --checkpoint runs/first --data creatures
  partwise search runs/first --data creatures --out sheets
  partwise maps runs/first --data creatures --out sheets
  partwise study studies/methods.yaml --out runs/methods
  partwise profile mae --model vit_micro_patch4_32 --batch 64
  partwise tune mae --model vit_small_patch16_224 --batch 64

Exit codes: 0 done, 1 it failed while running, 2 the command line or a file it names is wrong, 128 + N stopped by signal N:
130 for Ctrl-C, 143 for SIGTERM.`;

/** The program as Commander knows it. What it refuses it throws, and prints nothing but its help. */
export function partwise(): Command {
  const program = new Command("partwise")
    .description("Pretrain Vision Transformers on WebGPU, and measure what they learned.")
    .version(ownVersion())
    .addHelpText("after", EXAMPLES);
  const commands = [
    doctorCommand(),
    planCommand(),
    pretrainCommand(),
    evalCommand(),
    searchCommand(),
    mapsCommand(),
    studyCommand(),
    tokenizerCommand(),
    profileCommand(),
    tuneCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  reportByException(program);
  return program;
}

/** Commander reports by exception only; the sentence is printed in one place. */
function reportByException(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const child of command.commands) reportByException(child);
}
