import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { partwise } from "../../src/cli/program.ts";
import { exitCodeOf, sentenceOf } from "../../src/cli/system/errors.ts";
import { writeSafetensors } from "../../src/data/safetensors.ts";
import { writeTokenizer } from "../../src/train/tokenizerFile.ts";
import { plainPng } from "./png.ts";
import { withProgram } from "./program.ts";

const program = withProgram();
/** Stands for the test's folder in the cases. */
const HERE = "@";

const files: Record<string, Uint8Array> = {
  "cut/data_batch_1.bin": new Uint8Array(2 * 3073 - 5),
  "wrong/test_batch.bin": new Uint8Array(3073),
  "cifar/data_batch_1.bin": new Uint8Array(3073).fill(77),
  "broken/train/cat/1.jpg": Uint8Array.of(0xff, 0xd8, 1, 2, 3),
  "text/train/cat/1.png": new TextEncoder().encode("no picture"),
  "mixed/train/cat/1.png": plainPng(4, 4, [1, 2, 3]),
  "mixed/train/cat/2.png": plainPng(5, 4, [1, 2, 3]),
  "bare/1.png": plainPng(8, 8, [1, 2, 3]),
  "bare/2.png": plainPng(8, 8, [3, 2, 1]),
  "nothing/readme.txt": new Uint8Array(1),
  "above/ILSVRC/train/cat/1.png": plainPng(4, 4, [1, 2, 3]),
  "python/data_batch_1": new Uint8Array(1),
  "half/train-images-idx3-ubyte": new Uint8Array(16),
  "set.tar.gz": new Uint8Array(1),
  "run/checkpoint.safetensors": new Uint8Array(50),
  "codes.safetensors": writeTokenizer({ values: new Float32Array(4 * 192), shape: [4, 192] }),
  "cut.safetensors": writeTokenizer({ values: new Float32Array(4 * 48), shape: [4, 48] }).subarray(0, 300),
  "foreign.safetensors": writeSafetensors(new Map()),
  "cracked.safetensors": writeSafetensors(new Map(), { partwise: '{"format":' }),
  "hollow.safetensors": writeSafetensors(new Map(), {
    partwise: '{"format":"partwise.checkpoint.1","step":3}',
  }),
};

beforeAll(() => {
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(program.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
});

/** A space inside of an argument. */
const GAP = "\u00a0";

const run = "--model vit_micro_patch4_32 --batch 8 --steps 2 --out @/out --data";
const mae = "pretrain mae --model vit_micro_patch4_32 --steps 2 --out @/out --data";
const profile = "profile mae --batch 2 --model";
const knn = "eval knn --data creatures --checkpoint";
const tokenizer = "tokenizer --data @/bare --model vit_micro_patch4_32 --out"; // no picture can be read here
const pixels = "eval segmentation --pixels --limit 4 --data";

/** What cannot be written to, by root either. */
const NOBODY = /^\/proc(\/x)?: (the system lets nobody write there\.|it may not be opened \(permissions\))$/;
const NOWHERE: [string, RegExp][] = [
  [`${mae} @/none --out /proc/x`, NOBODY],
  ["search @/none --data creatures --out /proc/x", NOBODY],
  ["maps @/none --data creatures --out /proc", NOBODY],
  [`${tokenizer} /proc/x`, NOBODY],
];

/** What is typed, and the sentence after `partwise: `. */
const cases: [string, RegExp][] = [
  ["dance", /^unknown command 'dance'/],
  ["doctor --fast", /^unknown option '--fast'/],
  ["doctor twice", /^too many arguments/],
  ["study look --jobs 0 --out @/out", /^option '--jobs <n>' argument '0' is invalid/],
  ["study look --steps 10 --out @/out", /^unknown option '--steps'/],
  [
    "study look --only list --piece 0 --out @/out",
    /'--piece <k>' cannot be used with option '--only <what>'/,
  ],
  ["study look --only list --cell 99 --out @/out", /'--cell <k>' cannot be used with option '--only <what>'/],
  ["study look --cell 0 --piece 0 --out @/out", /'--cell <k>' cannot be used with option '--piece <k>'/],
  ["study look --cell 0 --jobs 2 --out @/out", /'--cell <k>' cannot be used with option '--jobs <n>'/],
  ["study look --piece 0 --minutes 2 --out @/out", /'--piece <k>' cannot be used with option '--minutes/],
  ["study look --out @/set.tar.gz", /set\.tar\.gz: it is a file, not a folder\.$/],
  ["pretrain dance", /^the method must be one of supervised, moco-v3, dino, .*; got dance\.$/],
  ["tune dance", /^the method must be one of .* mae, .*; got dance\.$/],
  [
    `pretrain supervised ${run} @/bare --batch 2`,
    /^supervised: the pictures must have labels of two classes or more; got bare with none\.$/,
  ],
  [
    `pretrain mae ${run} @/bare --batch 2 --knn-every 1`,
    /^bare: every picture must have a label for an evaluation; got 2 of 2 without\. Sort them into class folders\.$/,
  ],
  [`pretrain moco-v3 ${run} creatures --batch 1`, /^moco-v3: a batch must have 2 pictures or more; got 1\.$/],
  [
    `pretrain dino ${run} creatures --local-size 2`,
    /^dino: --local-size must be a multiple of the patch size 4; got 2\.$/,
  ],
  [
    `pretrain beit ${run} creatures --masked-patches 64`,
    /^beit: --masked-patches must be from 1 to below the 64 patches of a picture; got 64/,
  ],
  [
    `pretrain beit ${run} creatures --tokenizer @/codes.safetensors`,
    /\/codes\.safetensors: tokenizer\.codebook must be codes of RGB patches of 4 x 4 pixels, .*; got F32 \[4, 192\]/,
  ],
  [
    `pretrain cae ${run} creatures --tokenizer @/cut.safetensors`,
    /\/cut\.safetensors: .* must have data_offsets within \d+ bytes; got/,
  ],
  [
    `pretrain beit ${run} creatures --tokenizer @/foreign.safetensors`,
    /\/foreign\.safetensors: a tokenizer file must hold tokenizer\.codebook .*; got no tensors/,
  ],
  [`pretrain beit ${run} creatures --tokenizer @/none`, /\/none: it does not exist\.$/],
  [`pretrain mae ${run} creatures --tokenizer @/codes.safetensors`, /^unknown option '--tokenizer'/],
  [`${tokenizer} @/nothing`, /nothing: it is a folder, not a file\.$/],
  [`${tokenizer} @/nothing/readme.txt/x`, /readme\.txt: it is a file, not a folder\.$/],
  [
    `${tokenizer} @/foreign.safetensors`,
    /^--out must be a new file, or one of `partwise tokenizer`; .*foreign\.safetensors is something else\.$/,
  ],
  [`${tokenizer} @/set.tar.gz`, /; .*set\.tar\.gz is something else\.$/],
  ["tokenizer --data creatures --model dance --out @/x", /^model: a name reads .* got "dance"/],
  [
    `pretrain dino ${run} creatures --recipe large`,
    /'large' is invalid. Allowed choices are paper, small\.$/,
  ],
  [
    `pretrain dino ${run} creatures --lr 1 --base-rate 1`,
    /'--lr <x>' cannot be used with option '--base-rate/,
  ],
  [`pretrain dino ${run} creatures --mask-ratio 0.5`, /^unknown option '--mask-ratio'/],
  [
    `pretrain dino ${run} creatures --prototypes 1`,
    /^--prototypes must be a whole number of at least 2; got 1/,
  ],
  ["pretrain mae --data creatures", /^required option '--out <dir>' not specified/],
  ["pretrain mae --data creatures --out @/out --steps 2", /^--model must name the encoder/],
  ["pretrain mae --data creatures --out @/out --model vit_micro_patch4_32", /^--steps or --epochs must say/],
  [`${mae} creatures --epochs 3`, /'--steps <n>' cannot be used with option '--epochs <n>'/],
  [
    `${mae} creatures --batch 2.5`,
    /'--batch <n>' argument '2.5' is invalid. It must be a whole number of at least 1\.$/,
  ],
  [`${mae} creatures --batch -4`, /'-4' is invalid/],
  [`${mae} creatures --seed x`, /'x' is invalid/],
  [`${mae} creatures --base-rate 0`, /'0' is invalid. It must be a number above 0\.$/],
  [
    `${mae} creatures --base-rate 1e300`,
    /'1e300' is invalid. It must be a number above 0 that float32 holds/,
  ],
  [
    `${mae} creatures --base-rate 1e-46`,
    /'1e-46' is invalid. It must be a number above 0 that float32 holds/,
  ],
  [`${mae} creatures --base-rate 0x10`, /'0x10' is invalid. It must be a number above 0\.$/],
  [`${mae} creatures --base-rate 1e3${GAP}`, /'1e3 ' is invalid. It must be a number above 0\.$/],
  [`${mae} creatures --base-rate `, /argument '' is invalid. It must be a number above 0\.$/],
  [`${mae} creatures --steps 4294967296`, /'4294967296' is invalid. It must be at most 4294967295\.$/],
  [`${mae} creatures --seed 9007199254740992`, /It must be at most 9007199254740991\.$/],
  [
    "pretrain mae --model vit_micro_patch4_32 --out @/out --data creatures --limit 8 --batch 4 --epochs 4294967295",
    /^--epochs must come to less than 2\^32 steps; 4294967295 of 2 are 8589934590\.$/,
  ],
  [`${mae} creatures --limit 64 --mask-ratio 75`, /^--mask-ratio must be a number from 0 to 1; got 75\.$/],
  [
    `${mae} creatures --mask-ratio 1e-17`,
    /^maskRatio 1e-17 of 64 patches removes no patch; use a larger one\.$/,
  ],
  [`${mae} creatures --mask-ratio 0`, /^maskRatio must be in \(0, 1\); got 0\. Is it a percentage\?$/],
  [`${mae} creatures --mask-ratio 0.999`, /^maskRatio 0\.999 of 64 patches leaves no patch visible/],
  [
    `pretrain moco-v3 ${run} creatures --blur-probs 1,1.1`,
    /^--blur-probs must be 2 numbers from 0 to 1, as 1,0\.1; got 1,1\.1\.$/,
  ],
  [
    `${mae} creatures --crop-scale 0,1`,
    /^--crop-scale must be two rising numbers above 0 and up to 1, as 0\.2,1; got 0,1\.$/,
  ],
  [`${mae} creatures --out `, /'--out <dir>' argument '' is invalid. It must not be empty\.$/],
  [`${mae} creatures --model vit_huge_patch4_32`, /^model: a name reads .* got "vit_huge_patch4_32"/],
  [`${mae} creatures --limit 20 --batch 64`, /^planBatches: .* 20 pictures and batches of 64/],
  [
    `${mae} creatures --limit 9000000`,
    /^creatures: the pixels must take at most .* need 27648000000\. Use --limit 1398101 or less, or a smaller --data-size\.$/,
  ],
  ...(process.platform === "linux" ? NOWHERE : []),
  [`${mae} creatures --out @/set.tar.gz`, /^--out must be a folder; .* is a file/],
  [
    `${mae} creatures --resume --out @/none`,
    /none: must be a folder of a run or a checkpoint; it does not exist/,
  ],
  [`${mae} creatures --resume --out @/nothing`, /nothing: must hold checkpoint.safetensors; it does not/],
  [
    `${mae} creatures --limit 64 --batch 64 --data-size 32 --model vit_micro_patch128_4096`,
    /^--batch 64 does not fit, nor does 1: .* at most \d+ bytes at once; got a tensor of \d+\. Use a smaller model/,
  ],
  ["plan mae", /^--model must name the encoder/],
  [
    "plan mae --model vit_micro_patch4_32 --batch 0",
    /'0' is invalid. It must be a whole number of at least 1/,
  ],
  ["plan mae --model vit_micro_patch5_32", /^model: the picture size must be a multiple .* got 32 and 5/],
  [`plan mae --model vit_micro_patch4_32 --data @/none`, /none does not exist/],
  ["plan mae --model vit_micro_patch4_32 --data creatures --limit 9", /^planBatches: .* 9 pictures and/],
  [
    "plan mae --model vit_micro_patch4_32 --batch 1000000000",
    /^--batch 1000000000 does not fit: .* The largest batch that fits is \d+\.$/,
  ],
  [`${mae} @/none`, /none does not exist/],
  [`${mae} @/set.tar.gz`, /set.tar.gz is an archive: unpack it/],
  [`${mae} @/nothing/readme.txt`, /readme.txt is a file: name the folder that holds it/],
  [
    `${mae} @/nothing`,
    /nothing: must hold JPEG, PNG or WebP files or .* got 0 pictures among 1 files\. Check the/,
  ],
  [
    `${mae} @/above`,
    /above: must be the folder of one data set; got the folder above it\. Name .*\/above\/ILSVRC\.$/,
  ],
  [`${mae} @/python`, /python: must hold .* Download the binary version, cifar-10-binary\.tar\.gz\.$/],
  [
    `${mae} @/cut`,
    /^cifar10 data_batch_1.bin: needs a multiple of 3073 bytes .* got 6141\. The download was probably cut/,
  ],
  [`${mae} @/cifar`, /labels must be below 10; got 77 in record 0/],
  [`${mae} @/wrong`, /wrong: must hold the train files of CIFAR-10 for this; got test_batch.bin/],
  [`${mae} @/half`, /train-images-idx3-ubyte: its labels must lie beside it as train-labels-idx1-ubyte/],
  [`${mae} @/broken`, /^decode: train\/cat\/1.jpg must be a whole JPEG file; got 5 bytes/],
  [`${mae} @/text`, /^decode: train\/cat\/1.png must be a JPEG, PNG or WebP file; got 10 bytes/],
  [`${mae} @/mixed`, /all pictures must be 4 x 4 as the first; got 5 x 4 .* Add --data-size\.$/],
  ["profile mae --batch 2", /^--model must name the encoder/],
  [`${profile} vit_huge_patch4_32`, /^model: a name reads .* got "vit_huge_patch4_32"/],
  [`${profile} vit_micro_patch4_32 --image-size 30`, /must be a multiple of the patch size; got 30 and 4/],
  [`${profile} vit_micro_patch4_32 --steps 0`, /'0' is invalid/],
  [`${profile} vit_micro_patch4_32 --trace @/none/trace.json`, /none\/trace.json: it does not exist/],
  [
    `${profile} vit_micro_patch4_32 --trace `,
    /'--trace <file>' argument '' is invalid. It must not be empty\.$/,
  ],
  [`${profile} vit_micro_patch4_32 --data @/none`, /none does not exist/],
  ["tune mae", /^--model must name the encoder/],
  [
    "tune mae --model vit_micro_patch4_32 --rounds 0",
    /'0' is invalid. It must be a whole number of at least 1/,
  ],
  [
    "tune mae --model vit_micro_patch4_32 --batch 1000000000",
    /^--batch 1000000000 does not fit: .* The largest batch that fits is \d+\.$/,
  ],
  ["eval knn --data creatures --checkpoint ", /'--checkpoint <path>' argument '' is invalid/],
  ["eval knn --checkpoint @/run --data ", /'--data <set>' argument '' is invalid. It must not be empty\.$/],
  ["eval segmentation --data creatures", /^--checkpoint must name a run, or --pixels say/],
  ["eval segmentation --data creatures --checkpoint @/run --pixels", /'--pixels' cannot be used with option/],
  [`${pixels} creatures --recipe large`, /'large' is invalid. Allowed choices are paper, small\.$/],
  [`${pixels} creatures --objects --parts body`, /'--objects' cannot be used with option '--parts/],
  [
    `${pixels} creatures-parts`,
    /^--data must be whole pictures; got creatures-parts\. Name creatures, and --parts/,
  ],
  [
    `${pixels} @/bare --objects`,
    /^--objects labels the pictures of a built-in set; got .*\/bare\. A folder's masks say/,
  ],
  [`${pixels} @/bare`, /bare: must hold pictures with annotated parts in a format of /],
  [`${pixels} @/none`, /^--data must be creatures, .* does not exist\.$/],
  [
    `${pixels} creatures --parts legs`,
    /^creatures-train: parts must be different ones of body, neck, .*; got legs\.$/,
  ],
  [
    `${pixels} creatures --stride 8`,
    /^--stride is the step between windows of side --crop; got no --crop\.$/,
  ],
  [`${pixels} creatures --data-size 30`, /multiples of its patch size 4; got 30\.$/],
  [`${pixels} creatures --crop 16 --stride 17`, /stride of windows must be in \[1, 16\]; got 17\.$/],
  [`${pixels} creatures --probe-batch 5`, /the batch size in \[1, 4\] and the rate above 0; got 1000, 5 and/],
  [`${pixels} creatures --updates 10 --rate 0`, /'--rate <x>' argument '0' is invalid/],
  [
    "eval retrieval --pixels --data creatures --pool pixels,cls",
    /^--pool must name some of pixels; got cls\.$/,
  ],
  [
    "eval retrieval --pixels --data @/bare --split train",
    /^bare: every picture must have a label for an evaluation; got 2 of 2 without\. Sort them into class folders\.$/,
  ],
  [
    "search @/run --data creatures --out @/sheets --scramble-patches",
    /^--scramble-patches needs whole pictures, --places crops; got windows\.$/,
  ],
  ["eval knn --data creatures", /^--checkpoint must name a run, or --pixels say/],
  [`${knn} @/run --pixels`, /'--pixels' cannot be used with option '--checkpoint/],
  [`${knn} @/none`, /none: must be a folder of a run or a checkpoint; it does not exist/],
  [`${knn} @/run`, /run\/checkpoint.safetensors: readSafetensors: /],
  [
    `${knn} @/foreign.safetensors`,
    /must be a checkpoint of format partwise.checkpoint.2; got safetensors without/,
  ],
  [
    `${knn} @/cracked.safetensors`,
    /\/cracked.safetensors: must be a checkpoint of format .*; got {"format":\.$/,
  ],
  [
    `${knn} @/hollow.safetensors`,
    /\/hollow.safetensors: settings in its metadata must be an object; got nothing\.$/,
  ],
  ["search @/run --data creatures", /^required option '--out <dir>' not specified/],
  ["search @/none --data creatures --out @/x", /none: must be a folder of a run or a checkpoint; it does/],
  [
    "search @/nothing --data creatures --out @/x",
    /must hold checkpoint.safetensors or encoder.safetensors; /,
  ],
  ["search @/run --data creatures --out @/x --query 1:2,0", /'1:2,0' is invalid. It must be PICTURE or/],
  ["maps @/run --data creatures --out @/x --threshold 0", /'0' is invalid. It must be a number above 0 and/],
  [`${knn} @/run --k 5,0`, /'5,0' is invalid/],
  [
    "eval linear --data creatures --style simclr",
    /'simclr' is invalid. Allowed choices are mae, moco-v3, dino, parts\.$/,
  ],
  [
    "eval linear --data creatures --train-resize 40 --augment",
    /^option '--train-resize <n>' cannot be used with option '--augment'\.$/,
  ],
  [
    "eval linear --pixels --data creatures --train-resize 31",
    /^--train-resize must be 32, the side of what is read, or more; got 31\.$/,
  ],
  ["eval attentive --data creatures --pixels", /^unknown option '--pixels'/],
  ["eval attentive --data creatures", /^--checkpoint must name a run\.$/],
  [
    "eval attentive --data creatures --checkpoint @/run --style parts --augment",
    /^--augment must be left out with --style parts: eval attentive crops nothing by that recipe\.$/,
  ],
  [`${knn} @/run --pool best`, /'best' is invalid. Allowed choices are cls, mean, cls\+mean, cls4/],
];

/**
 * What a process of its own is started for: what reads pictures, whose codecs lie beside the bundle, what leaves a lock, and
 * one each of Commander's refusals, of a flag's and of a checkpoint's. The others differ from them in a sentence alone.
 */
const BY_PROCESS = /(pretrain|eval) .*bare|broken|text|mixed|patch128|^dance|--batch 2\.5|@\/run$/;
const isProcess = ([line]: (typeof cases)[number]): boolean => BY_PROCESS.test(line);

const typed = (line: string): string[] =>
  line.split(" ").map((word) => word.replace(HERE, program.folder).replace(GAP, " "));

test.each(cases.filter((each) => !isProcess(each)))("%s", async (line, sentence) => {
  const error = await partwise()
    .parseAsync(typed(line), { from: "user" })
    .then(
      () => expect.fail("it must be refused"),
      (thrown: unknown) => thrown,
    );
  expect(sentenceOf(error)).toMatch(sentence);
  expect(exitCodeOf(error)).toBe(2);
});

test.each(cases.filter(isProcess))("as a process: %s", async (line, sentence) => {
  const { code, stdout, stderr } = await program.run(...typed(line));
  const said = stderr.split("\n").filter((text) => text.startsWith("partwise: "));
  expect(said, stderr).toHaveLength(1);
  expect(said[0]!.slice("partwise: ".length)).toMatch(sentence);
  expect(`${stdout}${stderr}`).not.toMatch(/^ {4}at /m);
  expect(code).toBe(2);
});

test.each(["", "pretrain", "eval", "plan", "tune"])("partwise %s alone shows its help", async (name) => {
  const { code, stderr } = await program.run(...name.split(" ").filter(Boolean));
  expect(stderr).toMatch(/^Usage: partwise/);
  expect(code).toBe(2);
});
