import { type Command, Option } from "commander";
import { whole } from "./arguments.ts";
import { CREATURES, type DataChoice } from "./datasets.ts";

/** The flags that choose pictures, as commander gives them. */
export interface DataFlags {
  data: string;
  dataSize?: number;
  limit?: number;
}

const FORMATS = `
A folder may hold: train/<class>/ and test/<class>/ or val/<class>/ with JPEG or PNG files (or only <class>/ to train
on); CIFAR-10 or CIFAR-100 .bin files; STL-10 .bin files; IDX files (MNIST and its relatives, .gz or not).`;

/** Adds --data and what goes with it. `otherwise` says what the command works on without; then --data may be left out. */
export function addDataOptions(command: Command, { otherwise }: { otherwise?: string } = {}): Command {
  const text = "creatures (built in), or the path of a folder";
  return command
    .addOption(
      new Option("--data <set>", otherwise ? `${text} (default: ${otherwise})` : text).makeOptionMandatory(
        otherwise === undefined,
      ),
    )
    .option("--data-size <n>", "side to which pictures are drawn or scaled in memory", whole(8))
    .option(
      "--limit <n>",
      `pictures of a split at most (creatures: ${CREATURES.train} to train, ${CREATURES.test} to test)`,
      whole(1),
    )
    .addHelpText("after", FORMATS);
}

/** The choice behind the flags. */
export const choiceOf = ({ data, dataSize, limit }: DataFlags): DataChoice => ({
  data,
  size: dataSize,
  limit,
});
