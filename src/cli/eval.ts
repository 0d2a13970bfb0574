import { Command, Option } from "commander";
import type { Split } from "../data/dataFormat.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { type Encode, extractFeatures, type Features, type Reading, vitFeatures } from "../eval/features.ts";
import { knn } from "../eval/knn.ts";
import { linearProbe } from "../eval/linearProbe.ts";
import { savedEncoder } from "../train/checkpoint.ts";
import { path, positive, seed, whole, wholeList } from "./arguments.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./dataOptions.ts";
import { loadPair } from "./datasets.ts";
import { asUsage, UsageError } from "./errors.ts";
import { printLine, printResult } from "./output.ts";
import { addPartOptions } from "./partOptions.ts";
import { ProgressLine } from "./progress.ts";
import { readSaved } from "./runFolder.ts";
import { NO_TUNE, openTuned } from "./tuningCache.ts";

/** The flags that both probes have. */
interface EvalFlags extends DataFlags {
  checkpoint?: string;
  untrained?: boolean;
  pixels?: boolean;
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

/** Side of the pictures whose pixels are read when --data-size says nothing. */
const PIXELS_SIDE = 32;
/** Rows of the bank at once: pixels are many more numbers than features. */
const PIXELS_CHUNK = 1024;

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
  partwise eval ${probe} --checkpoint runs/first --data creatures --untrained --json
  partwise eval ${probe} --checkpoint runs/first --data creatures-coat-parts
  partwise eval ${probe} --pixels --data creatures-coat-parts
  partwise eval ${probe} --checkpoint runs/birds --data CUB_200_2011 --parts`;

const addEvalOptions = (command: Command): Command =>
  addPartOptions(addDataOptions(command))
    .option("--checkpoint <path>", "folder of a run or of a study's cell, or its safetensors", path)
    .option("--untrained", "the same encoder with its first values, to compare with")
    .addOption(
      new Option(
        "--pixels",
        "read the pictures themselves, of side --data-size or 32, instead of an encoder",
      ).conflicts(["checkpoint", "untrained"]),
    )
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

/** What turns pictures into features, and the side of the pictures it takes. */
interface Reader {
  side: number;
  encodeOn(device: Device): Promise<Encode>;
  about: Record<string, unknown>;
}

async function measure(probe: string, flags: EvalFlags): Promise<Measured> {
  const reader = flags.pixels ? pixelReader(flags) : await encoderReader(flags);
  const line = new ProgressLine();
  const sets = await loadPair(choiceOf(flags), (split) => ({
    drawnSize: reader.side,
    onProgress: (done, total) => line.show(`${split} pictures ${done}/${total}`),
  }));
  line.end();
  const device = await openTuned({ tune: flags.tune });
  const encode = await asUsage(() => reader.encodeOn(device));
  const features = (split: Split): Promise<Features> =>
    asUsage(() =>
      extractFeatures(device, encode, sets[split], {
        batchSize: flags.batch,
        statistics: IMAGENET_STATISTICS,
        imageSize: reader.side,
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
      ...reader.about,
      data: sets.train.name,
      train: sets.train.count,
      test: sets.test.count,
      classes: train.classes,
      adapter: device.info.description,
    },
  };
}

/** The encoder of a checkpoint, or as it was before its first step. */
async function encoderReader({ checkpoint: path, untrained = false, pool }: EvalFlags): Promise<Reader> {
  if (path === undefined) {
    throw new UsageError("--checkpoint must name a run, or --pixels say that none is read");
  }
  const saved = await readSaved(path);
  const { settings, step } = saved.info;
  const { method, model, encoder } = settings;
  return {
    side: encoder.imageSize,
    async encodeOn(device) {
      const { params, config } = await savedEncoder(device, saved, { untrained });
      await saved.close();
      return vitFeatures(params, config, pool);
    },
    about: { checkpoint: path, method, model, step: untrained ? 0 : step, untrained, pool },
  };
}

/** The floor: what the pictures themselves give away. */
const pixelReader = ({ dataSize = PIXELS_SIDE }: EvalFlags): Reader => ({
  side: dataSize,
  encodeOn: async () => (images) => reshape(images, [images.shape[0]!, -1]),
  about: { pixels: true, side: dataSize },
});

async function evalKnn(flags: KnnFlags): Promise<void> {
  const { device, train, test, about } = await measure("knn", flags);
  const { k, temperature } = flags;
  const { scores, chance, majority } = await asUsage(() =>
    knn(device, train, test, { k, temperature, ...(flags.pixels ? { bankChunk: PIXELS_CHUNK } : {}) }),
  );
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
