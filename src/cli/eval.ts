import { Command, Option } from "commander";
import type { Split } from "../data/dataFormat.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { extractFeatures, type Features, type Reading, vitFeatures } from "../eval/features.ts";
import { knn } from "../eval/knn.ts";
import { linearProbe } from "../eval/linearProbe.ts";
import { type CheckpointInfo, savedEncoder } from "../train/checkpoint.ts";
import { path, positive, seed, whole, wholeList } from "./arguments.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./dataOptions.ts";
import { loadPair } from "./datasets.ts";
import { asUsage } from "./errors.ts";
import { printLine, printResult } from "./output.ts";
import { ProgressLine } from "./progress.ts";
import { readCheckpoint } from "./runFolder.ts";
import { NO_TUNE, openTuned } from "./tuningCache.ts";

/** The flags that both probes have. */
interface EvalFlags extends DataFlags {
  checkpoint: string;
  untrained?: boolean;
  pool: Reading;
  batch: number;
  tune: boolean;
  json?: boolean;
}

interface KnnFlags extends EvalFlags {
  k: number[];
  temperature: number;
}

interface LinearFlags extends EvalFlags {
  epochs: number;
  seed: number;
  probeBatch?: number;
  baseRate?: number;
}

const READINGS: readonly Reading[] = ["cls", "mean", "cls+mean", "cls4"];

/** `partwise eval <probe>`. */
export function evalCommand(): Command {
  const nearest = new Command("knn")
    .description("Weighted k-nearest-neighbour vote on frozen features (DINO's protocol).")
    .option("--k <list>", "numbers of neighbours", wholeList, [10, 20])
    .option("--temperature <t>", "of the vote exp(cosine / t)", positive, 0.07)
    .addHelpText("after", example("knn"))
    .action(evalKnn);
  const linear = new Command("linear")
    .description("Linear classifier on frozen features (MAE's protocol: batch norm, LARS).")
    .option("--epochs <n>", "passes over the training features", whole(1), 90)
    .option("--seed <n>", "of the first weights and the order", seed, 0)
    .option("--probe-batch <n>", "rows per update (default: 78 updates an epoch, as in the paper)", whole(2))
    .option("--base-rate <x>", "learning rate per 256 rows (default: the paper's highest rate)", positive)
    .addHelpText("after", example("linear"))
    .action(evalLinear);
  const command = new Command("eval")
    .description("Measure what an encoder learned, on frozen features.")
    .addHelpText("after", "\nExample:\n  partwise eval knn --help");
  for (const probe of [nearest, linear]) command.addCommand(addEvalOptions(probe));
  return command;
}

const example = (probe: string): string => `
Examples:
  partwise eval ${probe} --checkpoint runs/first --data creatures
  partwise eval ${probe} --checkpoint runs/first --data creatures --untrained --json`;

const addEvalOptions = (command: Command): Command =>
  addDataOptions(command)
    .requiredOption("--checkpoint <path>", "folder of a run, or its checkpoint.safetensors", path)
    .option("--untrained", "the same encoder with its first values, to compare with")
    .addOption(
      new Option("--pool <reading>", "what is read from the tokens").choices(READINGS).default("cls"),
    )
    .option("--batch <n>", "pictures per run of the encoder; never changes the result", whole(1), 64)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON");

/** What was measured, for the lines that report it. */
interface Measured {
  device: Device;
  train: Features;
  test: Features;
  about: Record<string, unknown>;
}

async function measure(probe: string, flags: EvalFlags): Promise<Measured> {
  const checkpoint = await readCheckpoint(flags.checkpoint);
  const { settings, step }: CheckpointInfo = checkpoint.info;
  const { encoder } = settings;
  const line = new ProgressLine();
  const sets = await loadPair(choiceOf(flags), (split) => ({
    drawnSize: encoder.imageSize,
    onProgress: (done, total) => line.show(`${split} pictures ${done}/${total}`),
  }));
  line.end();
  const device = await openTuned({ tune: flags.tune });
  const { params, config } = await asUsage(() => savedEncoder(device, checkpoint, flags));
  await checkpoint.close();
  const features = (split: Split): Promise<Features> =>
    asUsage(() =>
      extractFeatures(device, vitFeatures(params, config, flags.pool), sets[split], {
        batchSize: flags.batch,
        statistics: IMAGENET_STATISTICS,
        imageSize: encoder.imageSize,
        onProgress: (done, total) => line.show(`${split} features ${done}/${total}`),
      }),
    );
  const [train, test] = [await features("train"), await features("test")];
  line.end();
  return {
    device,
    train,
    test,
    about: {
      command: `eval ${probe}`,
      checkpoint: flags.checkpoint,
      method: settings.method,
      model: settings.model,
      step: flags.untrained ? 0 : step,
      untrained: flags.untrained ?? false,
      data: sets.train.name,
      pool: flags.pool,
      train: sets.train.count,
      test: sets.test.count,
      classes: train.classes,
      adapter: device.info.description,
    },
  };
}

async function evalKnn(flags: KnnFlags): Promise<void> {
  const { device, train, test, about } = await measure("knn", flags);
  const { k, temperature } = flags;
  const { scores, chance, majority } = await asUsage(() => knn(device, train, test, { k, temperature }));
  for (const { k, top1, top5 } of scores) printLine(`k-NN, k ${k}: ${accuracy({ top1, top5 })}`);
  printLine(guesses({ chance, majority }));
  printResult(flags.json, {
    ...about,
    temperature,
    scores: scores.map(({ k, neighbours, top1, top5 }) => ({ k, neighbours, top1, top5 })),
    chance,
    majority,
  });
  device.destroy();
}

async function evalLinear(flags: LinearFlags): Promise<void> {
  const { device, train, test, about } = await measure("linear", flags);
  const { epochs, seed, probeBatch, baseRate } = flags;
  const line = new ProgressLine();
  const options = {
    seed,
    epochs,
    batchSize: probeBatch,
    baseRate,
    onEpoch: (epoch: number, loss: number) =>
      line.show(`epoch ${epoch + 1}/${epochs}  loss ${loss.toFixed(4)}`),
  };
  const result = await asUsage(() => linearProbe(device, train, test, options));
  line.end();
  const { top1, top5, chance, majority, settings, losses } = result;
  printLine(`linear, ${epochs} epochs: ${accuracy({ top1, top5 })}`);
  printLine(guesses({ chance, majority }));
  printResult(flags.json, { ...about, top1, top5, chance, majority, loss: losses.at(-1), settings });
  device.destroy();
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

const accuracy = ({ top1, top5 }: { top1: number; top5: number }): string =>
  `top-1 ${percent(top1)}, top-5 ${percent(top5)}`;

const guesses = ({ chance, majority }: { chance: number; majority: number }): string =>
  `guessing evenly ${percent(chance)}, always the most frequent class ${percent(majority)}`;
