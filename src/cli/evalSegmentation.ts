import { Command, Option } from "commander";
import type { Split } from "../data/dataFormat.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import { PART_FORMATS } from "../data/parts/partFormats.ts";
import type { Device } from "../engine/gpu/device.ts";
import { type BlockEncoder, blockTokens, patchPixels } from "../eval/segmentation/blockTokens.ts";
import type { SegmentationScores } from "../eval/segmentation/confusion.ts";
import { decaysBias, SEGMENTATION_RECIPES } from "../eval/segmentation/recipe.ts";
import { linearSegmentation, type SegmentationResult } from "../eval/segmentation/segmentation.ts";
import { path, positive, seed, whole } from "./options/arguments.ts";
import { CREATURES } from "./pictures/datasets.ts";
import { loadPixels } from "./pictures/pixelSets.ts";
import { averageOption, encoderReader, OR_PIXELS } from "./runs/evalInput.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { printLine, printResult } from "./system/output.ts";
import { ProgressLine } from "./system/progress.ts";
import { table } from "./system/table.ts";
import { NO_TUNE, openTuned } from "./system/tuningCache.ts";

interface SegmentationFlags {
  checkpoint?: string;
  untrained?: boolean;
  average?: boolean;
  pixels?: boolean;
  data: string;
  dataSize?: number;
  limit?: number;
  parts?: string[];
  objects?: boolean;
  background?: boolean;
  recipe: keyof typeof SEGMENTATION_RECIPES;
  updates?: number;
  probeBatch?: number;
  rate?: number;
  crop?: number;
  stride?: number;
  seed: number;
  tune: boolean;
  json?: boolean;
}

/** Side of the pictures whose pixels are read when --data-size says nothing, and of the patches that stand for tokens. */
const PIXELS = { side: 32, patch: 4 };

const HELP = `
A folder may hold one of
${PART_FORMATS.filter(({ name }) => name !== "CUB-200-2011")
  .map(({ name, holds }) => `  ${name.padEnd(14)} ${holds}`)
  .join("\n")}
Pictures are their middle squares, and pixels of no part do not count, as in the paper.

Examples:
  partwise eval segmentation --checkpoint runs/first --data creatures
  partwise eval segmentation --checkpoint runs/first --data creatures --objects --background
  partwise eval segmentation --checkpoint runs/first --data creatures --parts head,body,leg --untrained --json
  partwise eval segmentation --pixels --data creatures
  partwise eval segmentation --checkpoint runs/cars --data carparts --data-size 128 --crop 64`;

/** `partwise eval segmentation`. */
export const segmentationCommand = (): Command =>
  new Command("segmentation")
    .description(
      "Name every pixel's part by a linear layer on the tokens of four frozen blocks (the paper's protocol: mIoU, mAcc, aAcc).",
    )
    .addOption(
      new Option(
        "--data <set>",
        "creatures, creatures-shape, creatures-coat (built in), or the path of a folder",
      )
        .argParser(path)
        .makeOptionMandatory(),
    )
    .option("--data-size <n>", "side of the square pictures (default: the encoder's)", whole(8))
    .option(
      "--limit <n>",
      `pictures of a split at most (creatures: ${CREATURES.train} to train, ${CREATURES.test} to test)`,
      whole(1),
    )
    .option("--parts <names>", "parts that count, with commas between (default: all)", (text: string) =>
      text.split(",").map((name) => name.trim()),
    )
    .addOption(
      new Option("--objects", "label pixels with the class of their object; built-in sets").conflicts(
        "parts",
      ),
    )
    .option("--background", "count what is not labelled as a class of its own")
    .option("--checkpoint <path>", "folder of a run or of a study's cell, or its safetensors", path)
    .option("--untrained", "the same encoder with its first values, to compare with")
    .addOption(averageOption())
    .addOption(
      new Option(
        "--pixels",
        `read ${PIXELS.patch} x ${PIXELS.patch} pixels of pictures of side --data-size or ${PIXELS.side} instead of an encoder`,
      ).conflicts(["checkpoint", "untrained"]),
    )
    .addOption(
      new Option("--recipe <name>", "how the layer is trained; numbers below replace the recipe's own")
        .choices(Object.keys(SEGMENTATION_RECIPES))
        .default("small"),
    )
    .option("--updates <n>", "updates of the layer", whole(1))
    .option("--probe-batch <n>", "pictures per update", whole(1))
    .option("--rate <x>", "highest learning rate", positive)
    .option(
      "--crop <n>",
      "train on random pieces of this side and test by windows of it; for pictures larger than the encoder's",
      whole(8),
    )
    .option("--stride <n>", "pixels from one window to the next (default: two thirds of --crop)", whole(1))
    .option("--seed <n>", "of the first weights, the order and the pieces", seed, 0)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON")
    .addHelpText("after", HELP)
    .action(evalSegmentation);

/** What turns pictures into tokens, and what is known of it. */
interface Reader {
  side: number;
  encoderOn(device: Device): Promise<BlockEncoder>;
  method: string | null;
  about: Record<string, unknown>;
}

/** The encoder of a checkpoint, or as it was before its first step; or the pictures themselves. */
async function readerOf(flags: SegmentationFlags): Promise<Reader> {
  const { pixels, dataSize } = flags;
  if (pixels) {
    return {
      side: dataSize ?? PIXELS.side,
      encoderOn: async () => patchPixels(PIXELS.patch),
      method: null,
      about: { pixels: true, patch: PIXELS.patch },
    };
  }
  const { open, ...reader } = await encoderReader(flags, OR_PIXELS);
  return {
    ...reader,
    async encoderOn(device) {
      const { params, config } = await open(device);
      return blockTokens(params, config);
    },
  };
}

async function evalSegmentation(flags: SegmentationFlags): Promise<void> {
  const reader = await readerOf(flags);
  if (flags.stride !== undefined && flags.crop === undefined && flags.recipe === "small") {
    throw new UsageError("--stride is the step between windows of side --crop; got no --crop");
  }
  const line = new ProgressLine();
  const { data, dataSize: size, limit, parts, objects, background } = flags;
  const choice = { data, size, limit, parts, objects, background: background ? "class" : "ignored" } as const;
  const load = (split: Split) =>
    loadPixels(choice, split, {
      drawnSize: flags.crop ?? SEGMENTATION_RECIPES[flags.recipe].crop ?? reader.side,
      onProgress: (done, total) => line.show(`${split} pictures ${done}/${total}`),
    });
  const [train, test] = [await load("train"), await load("test")];
  line.end();
  const device = await openTuned({ tune: flags.tune });
  const encoder = await asUsage(() => reader.encoderOn(device));
  const { recipe, updates, probeBatch: batchSize, rate, crop, stride, seed } = flags;
  const result = await asUsage(() =>
    linearSegmentation(device, encoder, train, test, {
      ...{ recipe, updates, batchSize, rate, crop, stride, seed, statistics: IMAGENET_STATISTICS },
      decayBias: reader.method === null || decaysBias(reader.method),
      onProgress: (stage, done, count, loss) =>
        line.show(`${stage} ${done}/${count}${loss === undefined ? "" : `  loss ${loss.toFixed(4)}`}`),
    }),
  );
  line.end();
  report(result);
  printResult(flags.json, {
    command: "eval segmentation",
    ...reader.about,
    data: train.name,
    train: train.count,
    test: test.count,
    side: train.width,
    classes: result.names.length,
    adapter: device.info.description,
    ...figures(result),
    majority: figures(result.majority),
    perClass: result.classes.map((scores, c) => ({ name: result.names[c], ...scores })),
    loss: result.losses.at(-1),
    settings: result.settings,
  });
  device.destroy();
}

const figures = ({ mIoU, mAcc, aAcc }: SegmentationScores) => ({ mIoU, mAcc, aAcc });

const percent = (share: number | null): string => (share === null ? "-" : (100 * share).toFixed(2));

const sentence = ({ mIoU, mAcc, aAcc }: SegmentationScores): string =>
  `mIoU ${percent(mIoU)} %, mAcc ${percent(mAcc)} %, aAcc ${percent(aAcc)} %`;

function report(result: SegmentationResult): void {
  const { names, classes, majority, settings } = result;
  const total = classes.reduce((sum, { pixels }) => sum + pixels, 0);
  printLine(
    table(
      ["class", "IoU %", "acc %", "of pixels %"],
      classes.map(({ iou, acc, pixels }, c) => [
        names[c]!,
        percent(iou),
        percent(acc),
        percent(pixels / total),
      ]),
    ),
  );
  printLine(`segmentation, ${settings.updates} updates: ${sentence(result)}`);
  printLine(`always the most frequent class: ${sentence(majority)}`);
}
