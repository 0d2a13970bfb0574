import { Command, Option } from "commander";
import type { Split } from "../data/dataFormat.ts";
import type { Reading } from "../eval/features.ts";
import { ATTENTIVE_STYLES, type AttentiveStyleName, attentiveProbe } from "../eval/probes/attentiveProbe.ts";
import type { HeadRecipe, ProbeOptions } from "../eval/probes/headRecipe.ts";
import { knn } from "../eval/probes/knn.ts";
import {
  LINEAR_STYLES,
  type LinearStyle,
  type LinearStyleName,
  linearProbe,
} from "../eval/probes/linearProbe.ts";
import type { ProbeResult } from "../eval/probes/trainedHead.ts";
import { trainingViews } from "../eval/probes/trainingCrop.ts";
import { type EncodedRowsOptions, encodedRows, keptRows, type Rows } from "../eval/rows.ts";
import { tokenEncoder, tokenRows } from "../eval/tokens.ts";
import { retrievalCommand } from "./evalRetrieval.ts";
import { segmentationCommand } from "./evalSegmentation.ts";
import { positive, seed, whole, wholeList } from "./options/arguments.ts";
import { loadPair } from "./pictures/datasets.ts";
import {
  addEvalOptions,
  addReadingOptions,
  type EvalFlags,
  type EvalInput,
  encoderReader,
  featuresOf,
  openInput,
  openSets,
  splitProgress,
  vectorOf,
} from "./runs/evalInput.ts";
import { accuracy, guesses, percent } from "./system/accuracyLine.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { printLine, printResult } from "./system/output.ts";

interface KnnFlags extends EvalFlags {
  pool?: Reading;
  k: number[];
  temperature: number;
}

/** The flags of a probe whose head is trained. */
interface TrainedFlags<Style extends string> extends EvalFlags {
  style: Style;
  augment?: boolean;
  epochs?: number;
  seed: number;
  probeBatch?: number;
  baseRate?: number;
  bestEpoch?: boolean;
}

interface LinearFlags extends TrainedFlags<LinearStyleName> {
  pool?: Reading;
}

interface AttentiveFlags extends TrainedFlags<AttentiveStyleName> {
  batchStatistics?: boolean;
}

/** Rows of the bank at once: pixels are many more numbers than features. */
const PIXELS_CHUNK = 1024;

/** `partwise eval <probe>`. */
export function evalCommand(): Command {
  const nearest = new Command("knn")
    .description("Weighted k-nearest-neighbour vote on frozen features (DINO's protocol).")
    .option("--k <list>", "numbers of neighbours", wholeList, [10, 20])
    .option("--temperature <t>", "of the vote exp(cosine / t)", positive, 0.07)
    .addHelpText("after", example("knn"))
    .action(evalKnn);
  const linear = new Command("linear")
    .description("Linear classifier on frozen features, as MAE, MoCo v3 or DINO train it.")
    .addOption(styleOption(LINEAR_STYLES, "mae"))
    .addHelpText("after", example("linear"))
    .action(evalLinear);
  const attentive = new Command("attentive")
    .description(
      "Cross-attention of a learned query over all frozen tokens, and a linear classifier (CAE's protocol).",
    )
    .addOption(styleOption(ATTENTIVE_STYLES, "cae"))
    .option(
      "--batch-statistics",
      "a quirk of the official programs: while testing, normalise by each 256 pictures instead of by running statistics",
    )
    .addHelpText("after", attentiveExamples)
    .action(evalAttentive);
  const command = new Command("eval")
    .description("Measure what an encoder learned, on frozen features.")
    .addHelpText("after", "\nExample:\n  partwise eval knn --help");
  command.addCommand(addReadingOptions(addEvalOptions(nearest), "cls"));
  command.addCommand(addReadingOptions(addEvalOptions(addTrainingOptions(linear)), "the style's"));
  command.addCommand(addEvalOptions(addTrainingOptions(attentive)));
  return command.addCommand(retrievalCommand()).addCommand(segmentationCommand());
}

const styleOption = (styles: Readonly<Record<string, HeadRecipe>>, usual: string): Option =>
  new Option("--style <name>", "whose recipe and reading").choices(Object.keys(styles)).default(usual);

/** What all trained heads have. */
const addTrainingOptions = (command: Command): Command =>
  command
    .option(
      "--augment",
      "train on random crops and mirror images, others in each epoch, as the papers do: the encoder then runs in every epoch " +
        "(default: pictures as they are, features made once)",
    )
    .addOption(
      new Option(
        "--train-resize <n>",
        "scale training pictures to this side and train on their middle, as the official part classification does: 256 for an " +
          "encoder of 224, while test pictures are scaled to 224 (default: alike, to the encoder's side)",
      )
        .argParser(whole(8))
        .conflicts(["augment", "dataSize"]),
    )
    .option("--epochs <n>", "passes over the training pictures (default: the style's)", whole(1))
    .option("--seed <n>", "of first weights, order and crops", seed, 0)
    .option(
      "--probe-batch <n>",
      "rows per update (default: as many updates an epoch as the style has on ImageNet; 1024 by parts)",
      whole(2),
    )
    .option(
      "--base-rate <x>",
      "learning rate per 256 rows (default: the style's highest rate; by parts its own per 256 rows)",
      positive,
    )
    .option(
      "--best-epoch",
      "a quirk of the official part classification: test after every epoch, too, and report the best",
    );

const example = (probe: string): string => `
Examples:
  partwise eval ${probe} --checkpoint runs/first --data creatures
  partwise eval ${probe} --checkpoint runs/first --data creatures --untrained --json
  partwise eval ${probe} --checkpoint runs/first --data creatures-coat-parts
  partwise eval ${probe} --pixels --data creatures-coat-parts
  partwise eval ${probe} --checkpoint runs/birds --data CUB_200_2011 --parts`;

const attentiveExamples = `
Examples:
  partwise eval attentive --checkpoint runs/first --data creatures
  partwise eval attentive --checkpoint runs/first --data creatures-coat-parts --style parts
  partwise eval attentive --checkpoint runs/birds --data CUB_200_2011 --parts --style parts --train-resize 256 --json`;

async function evalKnn(flags: KnnFlags): Promise<void> {
  const input = await openInput("knn", flags);
  const { device, line } = input;
  const { encode, about } = vectorOf(input, flags.pool ?? "cls");
  const [train, test] = [await featuresOf(input, "train", encode), await featuresOf(input, "test", encode)];
  line.end();
  const { k, temperature } = flags;
  const { scores, chance, majority } = await asUsage(() =>
    knn(device, train, test, { k, temperature, ...(flags.pixels ? { bankChunk: PIXELS_CHUNK } : {}) }),
  );
  for (const { k, neighbours, top1, top5 } of scores) {
    const fewer = neighbours < k ? ` (all ${neighbours} there are)` : "";
    printLine(`k-NN, k ${k}${fewer}: ${accuracy({ top1, top5 })}`);
  }
  printLine(guesses({ chance, majority }));
  printResult(flags.json, {
    ...input.about,
    ...about,
    temperature,
    scores: scores.map(({ k, neighbours, top1, top5 }) => ({ k, neighbours, top1, top5 })),
    chance,
    majority,
  });
  device.destroy();
}

async function evalLinear(flags: LinearFlags): Promise<void> {
  const style: LinearStyle = LINEAR_STYLES[flags.style];
  const view = viewOf("linear", flags, style);
  const input = await openInput("linear", flags);
  const { device, sets, encoder, how } = input;
  const usual = encoder ? style.reading(encoder.config) : "cls";
  const { encode, dim, about } = vectorOf(input, flags.pool ?? usual);
  const kept = async (split: Split): Promise<Rows> => {
    const features = await featuresOf(input, split, encode);
    return asUsage(() => keptRows(`linear, ${split}`, [features]));
  };
  const train = view
    ? await asUsage(() =>
        encodedRows("linear, train", encode, sets.train, { ...how, dim, view: view(input) }),
      )
    : await kept("train");
  const test = await kept("test");
  const { style: name } = flags;
  await report(input, flags, about, (options) =>
    linearProbe(device, train, test, { ...options, style: name }),
  );
}

async function evalAttentive(flags: AttentiveFlags): Promise<void> {
  const view = viewOf("attentive", flags, ATTENTIVE_STYLES[flags.style]);
  const input = await openSets("attentive", flags, await encoderReader(flags), loadPair);
  const { device, sets, how, line } = input;
  const { params, config } = input.encoder!; // no pixels were read
  const tokens = tokenEncoder(params, config);
  const rows = (split: Split) =>
    asUsage(() =>
      tokenRows("attentive", device, tokens, sets[split], {
        ...how,
        onProgress: splitProgress(line, split),
        ...(view && split === "train" ? { view: view(input) } : {}),
      }),
    );
  const [train, test] = [await rows("train"), await rows("test")];
  const { width, heads } = tokens;
  const { style, batchStatistics = false } = flags;
  await report(input, flags, { batchStatistics }, (options) =>
    attentiveProbe(device, train, test, { ...options, style, width, heads, batchStatistics }),
  );
}

/** The views of --augment, once the pictures are there. */
function viewOf(
  probe: string,
  { augment, style, seed }: TrainedFlags<string>,
  { crop }: HeadRecipe,
): ((input: EvalInput) => NonNullable<EncodedRowsOptions["view"]>) | null {
  if (!augment) return null;
  if (crop)
    return ({ sets, how }) => trainingViews(crop, { size: how.imageSize, seed, count: sets.train.count });
  throw new UsageError(
    `--augment must be left out with --style ${style}: eval ${probe} crops nothing by that recipe`,
  );
}

/** Trains and tests a head, and says what it found. */
async function report<Style extends string>(
  { device, line, about }: EvalInput,
  flags: TrainedFlags<Style>,
  more: Record<string, unknown>,
  probe: (options: ProbeOptions) => Promise<ProbeResult>,
): Promise<void> {
  const { style, seed, epochs, probeBatch, baseRate, augment = false, bestEpoch = false } = flags;
  const result = await asUsage(() =>
    probe({
      ...{ seed, bestEpoch },
      ...(epochs !== undefined && { epochs }),
      ...(probeBatch !== undefined && { batchSize: probeBatch }),
      ...(baseRate !== undefined && { baseRate }),
      onEpoch: (epoch, loss) => line.show(`epoch ${epoch + 1}  loss ${loss.toFixed(4)}`),
    }),
  );
  line.end();
  const { top1, top5, chance, majority, settings, losses, best } = result;
  printLine(`${about.command} by ${style}, ${settings.epochs} epochs: ${accuracy({ top1, top5 })}`);
  if (best)
    printLine(`best after epoch ${best.epoch + 1}, chosen by the test set: top-1 ${percent(best.top1)}`);
  printLine(guesses({ chance, majority }));
  printResult(flags.json, {
    ...{ ...about, ...more, style, augment, top1, top5, chance, majority },
    ...{ loss: losses.at(-1), best, settings },
  });
  device.destroy();
}
