import { dirname } from "node:path";
import { Command } from "commander";
import { vitConfig } from "../models/vit.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { fitTokenizer } from "../train/fitTokenizer.ts";
import { isTokenizer, writeTokenizer } from "../train/tokenizerFile.ts";
import { path, seed, whole } from "./options/arguments.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./pictures/dataOptions.ts";
import { loadSplit } from "./pictures/datasets.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { checkFile, checkFolder, kindOf, makeFolder, writeAtomic } from "./system/files.ts";
import { openFile } from "./system/openFile.ts";
import { printLine, printResult } from "./system/output.ts";
import { duration, ProgressLine } from "./system/progress.ts";
import { NO_TUNE, openTuned } from "./system/tuningCache.ts";

interface TokenizerFlags extends DataFlags {
  model: string;
  imageSize?: number;
  tokens: number;
  batch: number;
  seed: number;
  out: string;
  tune: boolean;
  json?: boolean;
}

const AFTER = `
The codes are k-means of patches brought to mean 0 and deviation 1, on one adapter the same for the same pictures, seed and --batch.
A run without a file finds such codes itself; with one, several runs predict the same tokens, whatever they train on.

Examples:
  partwise tokenizer --data creatures-coat --model vit_micro_patch4_32 --out runs/codes.safetensors
  partwise pretrain beit --tokenizer runs/codes.safetensors --data creatures-coat --model vit_micro_patch4_32 --steps 500 --out runs/beit
`;

/** `partwise tokenizer`. */
export const tokenizerCommand = (): Command =>
  addDataOptions(
    new Command("tokenizer")
      .description("Fit a tokenizer of patches to pictures, for methods that predict tokens.")
      .requiredOption("--out <file>", "file of the codes, safetensors", path)
      .requiredOption("--model <name>", "encoder whose patches they are of")
      .option("--image-size <n>", "side of the model's pictures (default: the SIZE in its name)", whole(1))
      .option("--tokens <n>", "codes", whole(2), 512)
      .option("--batch <n>", "pictures looked at at once", whole(1), 128)
      .option("--seed <n>", "of order, crops and first codes", seed, 0)
      .option(...NO_TUNE)
      .option("--json", "end with one line of JSON"),
  )
    .addHelpText("after", AFTER)
    .action(tokenizer);

async function tokenizer(flags: TokenizerFlags): Promise<void> {
  const started = performance.now();
  const { model, out, tokens } = flags;
  const given = flags.imageSize === undefined ? {} : { imageSize: flags.imageSize };
  const { patchSize, imageSize } = await asUsage(() => vitConfig(model, given));
  await checkOut(out);
  const line = new ProgressLine();
  const images = await loadSplit(choiceOf(flags), "train", {
    drawnSize: imageSize,
    onProgress: (done, total) => line.show(`reading pictures ${done}/${total}`),
  });
  line.end();
  const device = await openTuned({ tune: flags.tune });
  const codebook = await asUsage(async () => {
    const batchSize = Math.min(flags.batch, images.count);
    const choices = { tokens, patchSize, imageSize, seed: flags.seed, batchSize };
    return fitTokenizer(device, await DeviceImages.upload(device, images), choices);
  });
  await makeFolder(dirname(out));
  await writeAtomic(out, writeTokenizer(codebook));
  const seconds = (performance.now() - started) / 1000;
  printLine(
    `${tokens} codes of patches of ${patchSize} x ${patchSize} pixels, fitted to ${images.count} pictures of ${images.name}, ` +
      `${duration(seconds)}; saved in ${out}`,
  );
  printResult(flags.json, {
    command: "tokenizer",
    out,
    tokens,
    patchSize,
    pictures: images.count,
    data: images.name,
    seconds,
    adapter: device.info.description,
  });
  device.destroy();
}

/** Tells before the fitting that a file cannot be written, or would be lost: codes alone may be written over. */
async function checkOut(out: string): Promise<void> {
  await checkFolder(dirname(out));
  if ((await kindOf(out)) === null) return;
  await checkFile(out);
  const file = await openFile(out);
  const isReplaced = await isTokenizer(file).finally(file.close);
  if (!isReplaced) {
    throw new UsageError(
      `--out must be a new file, or one of \`partwise tokenizer\`; ${out} is something else`,
    );
  }
}
