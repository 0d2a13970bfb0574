// How fast a frozen encoder reads pictures for the probes, from bytes on the host to features on the host, beside its bare
// forward on the GPU and the whole step of training it.
//   npm run bench -- features [--model vit_micro_patch4_32]... [--batch 64] [--pictures 1024] [--repeats 5] [--json] [--save]
import { parseArgs } from "node:util";
import { IMAGENET_STATISTICS, type ImageSet } from "../src/data/images.ts";
import { noisePictures } from "../src/data/noise.ts";
import { compile } from "../src/engine/capture/compile.ts";
import type { Device } from "../src/engine/gpu/device.ts";
import { Parameters } from "../src/engine/graph/parameters.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { extractFeatures, vitFeatures } from "../src/eval/features.ts";
import { timmInit } from "../src/models/init.ts";
import { vitConfig, vitSpecs } from "../src/models/vit.ts";
import { openDevice } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults } from "./measure/results.ts";
import { interleave, type Subject, summarize } from "./measure/samples.ts";
import { ms, table } from "./measure/table.ts";
import { startTraining } from "./trainingSteps.ts";

await program("features", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        model: { type: "string", multiple: true },
        batch: { type: "string" },
        pictures: { type: "string" },
      },
    }),
  );
  const batch = wholeNumber("batch", given.batch, 64);
  const count = Math.ceil(wholeNumber("pictures", given.pictures, 1024) / batch) * batch;
  const rounds = {
    warmup: wholeNumber("warmup", given.warmup, 1, 0),
    repeats: wholeNumber("repeats", given.repeats, 5),
  };
  const device = await openDevice();
  const where = circumstances(device.info);
  print(
    `${where.adapter}; Node ${where.node}, commit ${where.commit}; ${count} pictures, ${batch} at a time`,
  );
  const subjects: Subject[] = [];
  for (const model of given.model ?? ["vit_micro_patch4_32"]) {
    say(`${model}: capturing`);
    subjects.push(
      ...(await subjectsOf(device, model, noisePictures(count, vitConfig(model).imageSize), batch)),
    );
  }
  say("timing");
  const times = await interleave(subjects, rounds);
  const figures = subjects.map(({ name }) => {
    const time = summarize(times.get(name)!);
    return { name, ms: time, imagesPerSecond: (1000 * count) / time.median };
  });
  const rows = figures.map(({ name, ms: { median, q1, q3 }, imagesPerSecond }) => [
    name,
    ms(median),
    `${ms(q1)}..${ms(q3)}`,
    imagesPerSecond.toFixed(0),
  ]);
  print(table(["", "ms", "quartiles", "images/s"], rows));
  if (given.save) say(`saved ${saveResults("features", where, { count, batch, figures }, given.name)}`);
  if (given.json) print(JSON.stringify(figures));
});

/** The three of a model, each over all pictures; the first two must agree before they are timed. */
async function subjectsOf(
  device: Device,
  model: string,
  images: ImageSet,
  batch: number,
): Promise<Subject[]> {
  const config = vitConfig(model);
  const encode = vitFeatures(
    new Parameters(device, vitSpecs(config, timmInit(0)), { gradients: false }),
    config,
    "mean",
  );
  const { width, height } = images;
  const pictures = Tensor.from(device, normalised(images, batch), [batch, height, width, 3]);
  const forward = await compile(device, () => ({ features: encode(pictures) }));
  const extract = () =>
    extractFeatures(device, encode, images, { statistics: IMAGENET_STATISTICS, batchSize: batch });
  checkSame(model, (await extract()).values, await forward.run().features.read());
  const training = await startTraining(device, `supervised:${model}:${batch}`);
  const batches = images.count / batch;
  const times = (action: () => unknown) => async () => {
    for (let i = 0; i < batches; i++) action();
    await device.finish();
  };
  return [
    { name: `${model}: features of pictures`, run: async () => void (await extract()) },
    { name: `${model}: forward alone`, run: times(() => forward.run()) },
    { name: `${model}: supervised training`, run: times(() => training.submit()) },
  ];
}

/** The first pictures as `extractFeatures` normalises them. */
function normalised({ pixels, width, height }: ImageSet, batch: number): Float32Array {
  const { mean, std } = IMAGENET_STATISTICS;
  return Float32Array.from(
    pixels.subarray(0, batch * width * height * 3),
    (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!,
  );
}

function checkSame(model: string, features: ArrayLike<number>, forward: ArrayLike<number>): void {
  for (let i = 0; i < forward.length; i++) {
    if (Number.isFinite(features[i]) && features[i] === forward[i]) continue;
    throw new Error(
      `features: both ways of ${model} must give the same finite values; got ${features[i]} and ${forward[i]} at ${i}`,
    );
  }
}
