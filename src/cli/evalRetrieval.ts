import { Command, Option } from "commander";
import type { Split } from "../data/dataFormat.ts";
import { checkClasses, checkLabelled } from "../data/evaluationPair.ts";
import type { ImageSet } from "../data/images.ts";
import type { Encode } from "../eval/encoding.ts";
import type { Features, Reading } from "../eval/features.ts";
import { retrieval } from "../eval/probes/retrieval.ts";
import { anyVit } from "../models/relativeVit.ts";
import { type DataChoice, type LoadOptions, loadSplit } from "./pictures/datasets.ts";
import {
  addEvalOptions,
  addPixelsOption,
  type EvalFlags,
  type EvalInput,
  featuresOf,
  openSets,
  type Reader,
  readerOf,
  vectorOf,
} from "./runs/evalInput.ts";
import { percent } from "./system/accuracyLine.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { printLine, printResult } from "./system/output.ts";
import { table } from "./system/table.ts";

interface RetrievalFlags extends EvalFlags {
  split: Split | "all";
  withoutSelf?: boolean;
  pool?: string[];
}

/** What every encoder says of a picture: its class token, and the mean of its patch tokens, which the paper's program reads. */
const ENCODED: readonly Reading[] = ["cls", "mean"];
/** What stands for a reading where no encoder is read. */
const PIXELS = "pixels";

const HELP = `
Every picture, or with --parts every crop, is a query against all of them, itself among them, and answers of its own class are right.
AP is the mean of the queries' average precision, mAP that of the classes' means. The paper retrieves parts of all of CUB's pictures,
and of COCO's training pictures.

Examples:
  partwise eval retrieval --checkpoint runs/first --data creatures-coat-parts
  partwise eval retrieval --checkpoint runs/first --data creatures-coat-parts --untrained --json
  partwise eval retrieval --checkpoint runs/moco --data CUB_200_2011 --parts --pool mean,projector
  partwise eval retrieval --checkpoint runs/moco --data coco --parts --split train --limit 20000
  partwise eval retrieval --pixels --data creatures --split test --without-self`;

/** `partwise eval retrieval`. */
export const retrievalCommand = (): Command =>
  addPixelsOption(
    addEvalOptions(new Command("retrieval"))
      .description(
        "Find pictures, or parts, of the same class by the cosine of frozen features (the paper's protocol).",
      )
      .addOption(
        new Option("--split <name>", "which pictures").choices(["train", "test", "all"]).default("all"),
      )
      .option("--without-self", "leave a query out of its own answers, which the paper does not do")
      .option(
        "--pool <readings>",
        "cls, mean and the method's projections, with commas between (default: all of them)",
        (text: string) => text.split(",").map((name) => name.trim()),
      ),
  )
    .addHelpText("after", HELP)
    .action(evalRetrieval);

async function evalRetrieval(flags: RetrievalFlags): Promise<void> {
  const reader = await readerOf(flags);
  const readings = readingsOf(reader, flags);
  const splits: Split[] = flags.split === "all" ? ["train", "test"] : [flags.split];
  const input = await openSets("retrieval", flags, reader, (choice, how) => loadSplits(choice, splits, how));
  const keepSelf = !flags.withoutSelf;
  const scores = [];
  // One pass of the encoder for each: all readings of many crops, 65,536 prototypes among them, would be more than the host has.
  for (const reading of readings) {
    const features = await featuresOfAll(input, encodeOf(input, reading));
    const { ap, mAp, guess } = await asUsage(() => retrieval(input.device, features, { keepSelf }));
    scores.push({ reading, dim: features.dim, queries: features.labels.length, ap, mAp, guess });
  }
  input.line.end();
  const rows = scores.map(({ reading, dim, ap, mAp }) => [reading, `${dim}`, percent(ap), percent(mAp)]);
  printLine(table(["reading", "numbers", "AP", "mAP"], rows));
  const { queries, guess } = scores[0]!;
  printLine(
    `${queries} queries, ${keepSelf ? "each among its answers" : "left out of their answers"}; answers in random order: AP ${percent(guess)}`,
  );
  printResult(flags.json, { ...input.about, split: flags.split, keepSelf, scores });
  input.device.destroy();
}

/** Names of what is read. */
function readingsOf({ projections }: Reader, { pool, pixels }: RetrievalFlags): readonly string[] {
  const all = pixels ? [PIXELS] : [...ENCODED, ...projections];
  const stranger = pool?.find((name) => !all.includes(name));
  if (stranger === undefined) return pool ?? all;
  throw new UsageError(`--pool must name some of ${all.join(", ")}; got ${stranger}`);
}

/** One reading of a picture, as `readingsOf` names it: what the encoder says, what a head makes of it, or the pixels. */
function encodeOf({ encoder, how }: Pick<EvalInput, "encoder" | "how">, name: string): Encode {
  const projection = encoder?.projections[name];
  if (!encoder || !projection) return vectorOf({ encoder, how }, name as Reading).encode;
  const { params, config } = encoder;
  return (images) => projection.of(params, anyVit(params, config, images).tokens);
}

/** Labelled pictures of these splits, whose labels mean the same. */
async function loadSplits<S extends Split>(
  choice: DataChoice,
  splits: readonly S[],
  how: (split: Split) => LoadOptions,
): Promise<Readonly<Record<S, ImageSet>>> {
  const sets: [S, ImageSet][] = [];
  for (const split of splits) sets.push([split, await loadSplit(choice, split, how(split))]);
  await asUsage(() => {
    for (const [, set] of sets) {
      checkLabelled(set);
      checkClasses(sets[0]![1], set);
    }
  });
  return Object.fromEntries(sets) as Record<S, ImageSet>;
}

/** Features of all the pictures, one split after the other. */
async function featuresOfAll(input: EvalInput, encode: Encode): Promise<Features> {
  const all: Features[] = [];
  for (const split of Object.keys(input.sets) as Split[]) all.push(await featuresOf(input, split, encode));
  const [first, second] = all;
  if (!second) return first!;
  const values = new Float32Array(first!.values.length + second.values.length);
  values.set(first!.values);
  values.set(second.values, first!.values.length);
  return {
    values,
    labels: Int32Array.from([...first!.labels, ...second.labels]),
    dim: second.dim,
    classes: Math.max(first!.classes, second.classes),
  };
}
