import { type Command, Option } from "commander";
import { FORMATS, LAST_FORMAT } from "../../data/formats.ts";
import { sideBeforeCrop } from "../../eval/encoding.ts";
import { path, whole } from "../options/arguments.ts";
import { printNote } from "../system/output.ts";
import { BUILT_IN, CREATURES, type DataChoice, type LoadOptions } from "./datasets.ts";
import { type PartFlags, partChoiceOf } from "./partOptions.ts";

/** The flags that choose pictures, as commander gives them. */
export interface DataFlags extends PartFlags {
  data: string;
  dataSize?: number;
  limit?: number;
}

/** What a folder may hold, from the table of formats. */
const FOLDERS = `
A folder may hold one of
${[...FORMATS, LAST_FORMAT].map(({ name, holds }) => `  ${name.padEnd(14)} ${holds}`).join("\n")}

Built in, drawn with the truth about their parts:
  creatures        ten species among much else
  creatures-shape  the same in calmer surroundings: the label is a combination of part shapes
  creatures-coat   four bodies in five coats: the label is mostly colour and pattern, part shapes are free
  NAME-parts       heads, bodies, legs, tails and wings cut out of the pictures of NAME: the label is the part`;

/** Adds --data and what goes with it. `otherwise` says what the command works on without; then --data may be left out. */
export function addDataOptions(command: Command, { otherwise }: { otherwise?: string } = {}): Command {
  const text = `${BUILT_IN.join(", ")} (built in), or the path of a folder`;
  return command
    .addOption(
      new Option("--data <set>", otherwise ? `${text} (default: ${otherwise})` : text)
        .argParser(path)
        .makeOptionMandatory(otherwise === undefined),
    )
    .option("--data-size <n>", "side to which pictures are drawn or scaled in memory", whole(8))
    .option(
      "--limit <n>",
      `pictures of a split at most (creatures: ${CREATURES.train} to train, ${CREATURES.test} to test)`,
      whole(1),
    )
    .addHelpText("after", FOLDERS);
}

/**
 * How an encoder of this side is shown a folder's pictures: the middle of somewhat larger squares, as in the papers. Says where
 * --data-size leaves nothing around the middle.
 */
export function evaluationCrop(
  { data, dataSize, parts, pixels }: DataFlags & { pixels?: boolean },
  side: number,
): Pick<LoadOptions, "drawnSize" | "mixedSize"> {
  const mixedSize = sideBeforeCrop(side);
  const isWhole = dataSize === side && !pixels && parts === undefined;
  if (isWhole && !BUILT_IN.includes(data)) {
    printNote(
      `--data-size ${side} is the encoder's side: pictures are read to the edge of their square, not in its middle as in the papers. ` +
        `For that, say ${mixedSize}`,
    );
  }
  return { drawnSize: side, mixedSize };
}

/** The choice behind the flags. */
export const choiceOf = ({ data, dataSize, limit, ...flags }: DataFlags): DataChoice => ({
  data,
  size: dataSize,
  limit,
  parts: partChoiceOf(flags),
});
