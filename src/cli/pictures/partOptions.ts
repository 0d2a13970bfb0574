import { type Command, Option } from "commander";
import { PART_FORMATS } from "../../data/parts/partFormats.ts";
import { whole } from "../options/arguments.ts";

/** The parts that are cut out of a folder's pictures. */
export interface PartChoice {
  /** Their names; those of the paper, or all where it has none of the set, when absent. */
  names?: string[] | "all";
  side: "text" | "code";
  above: number;
}

/** The flags behind it, as commander gives them. */
export interface PartFlags {
  parts?: true | string[];
  partSide?: PartChoice["side"];
  partAbove?: number;
}

const FOLDERS = `
With --parts a folder may hold one of
${PART_FORMATS.map(({ name, holds }) => `  ${name.padEnd(14)} ${holds}`).join("\n")}`;

/** Adds --parts and what goes with it. */
export const addPartOptions = (command: Command): Command =>
  command
    .option(
      "--parts [names]",
      "work on the annotated parts of a folder's pictures, cut out; the label is the part: names with commas between, " +
        "all, or those of the paper",
      (text: string) => text.split(",").map((name) => name.trim()),
    )
    .addOption(
      new Option(
        "--part-side <rule>",
        "side of a crop around a point, as in the paper's text or its code, half as long",
      )
        .choices(["text", "code"])
        .default("text"),
    )
    .option(
      "--part-above <n>",
      "pixels above which half the way to the nearest other point must be",
      whole(0),
      20,
    )
    .addHelpText("after", FOLDERS);

/** The choice behind the flags; undefined where whole pictures are meant. */
export function partChoiceOf({
  parts,
  partSide = "text",
  partAbove = 20,
}: PartFlags): PartChoice | undefined {
  if (parts === undefined) return undefined;
  const names = parts === true ? undefined : parts.length === 1 && parts[0] === "all" ? "all" : parts;
  return { names, side: partSide, above: partAbove };
}
