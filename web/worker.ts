// Trains in a worker, so that the page stays responsive: the same Trainer and loop as in Node.
import { IMAGENET_STATISTICS, type ImageSet } from "../src/data/images.ts";
import { Device, type DeviceOptions } from "../src/engine/gpu/device.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { BOX_WORDS, cropPictures, wholeBoxes } from "../src/engine/ops/cropPictures.ts";
import { Random } from "../src/engine/random.ts";
import { reconstruct } from "../src/eval/reconstruct.ts";
import { gridOf } from "../src/models/vit.ts";
import { byKernel } from "../src/profile/byKernel.ts";
import { measureRoofline } from "../src/profile/measure.ts";
import { chromeTrace } from "../src/profile/trace.ts";
import { DeviceImages } from "../src/train/deviceImages.ts";
import { train } from "../src/train/loop.ts";
import {
  type DataDescription,
  descriptionOf,
  maeConfigOfRun,
  type RunSettings,
  runSettings,
} from "../src/train/run.ts";
import { Trainer } from "../src/train/trainer.ts";
import { Gate } from "./gate.ts";
import type { FromWorker, Settings, ToWorker } from "./messages.ts";
import { builtIn, ownPictures, type Pictures } from "./pictures.ts";
import { tuneRun } from "./tune.ts";
import { loadTuning } from "./tuningStore.ts";

/** Pictures whose reconstructions are shown. */
const SHOWN = 8;
/** Time between two reconstructions, in milliseconds of training. */
const SHOW_EVERY_MS = 1500;

const gate = new Gate();
const post = (message: FromWorker): void => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "pause") gate.close();
  else if (data.kind === "resume") gate.open();
  else
    WORK[data.kind](data.settings, data.files).catch((error: unknown) => {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      post({ kind: "failed", name, message });
    });
};

/** Opens the GPU, with the kernels that were measured on it. */
async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  post({ kind: "preparing", what: "Opening the GPU" });
  const device = await Device.open(navigator.gpu, options);
  post({ kind: "adapter", name: adapterName(device.info) });
  await loadTuning(device);
  return device;
}

/** Makes the run's trainer, its step ready. */
async function prepared(
  settings: Settings,
  files: readonly File[],
  options: DeviceOptions,
): Promise<{ trainer: Trainer; shown: ImageSet }> {
  const device = await openDevice(options);
  if (options.timestamps && !device.capabilities.timestamps) {
    throw new Error(
      "A profile needs timestamp queries, which this adapter lacks. Try another browser or GPU.",
    );
  }
  const { train: set, shown } = await picturesFor(settings, files);
  const images = await DeviceImages.upload(device, set);
  const trainer = new Trainer(device, settingsOf(settings, descriptionOf(set)), images);
  post({ kind: "preparing", what: "Compiling the shaders" });
  await trainer.prepare();
  return { trainer, shown };
}

/** Times the run's second step, kernel by kernel: the first warms the driver up. */
async function profile(settings: Settings, files: readonly File[]): Promise<void> {
  const { trainer } = await prepared(settings, files, { timestamps: true });
  const { device } = trainer;
  post({ kind: "preparing", what: "Measuring the adapter" });
  const roofline = await measureRoofline(device, () => performance.now());
  post({ kind: "preparing", what: "Timing one step" });
  trainer.run();
  await device.finish();
  const dispatches = await trainer.timeDispatches();
  await device.finish();
  const trace = chromeTrace(dispatches, {
    process: adapterName(device.info),
    thread: `mae ${settings.model}`,
  });
  post({ kind: "profiled", profile: { rows: byKernel(dispatches, roofline), roofline, trace } });
  device.destroy();
}

/** Finds the fastest kernels for the run's shapes; they depend on no picture. */
async function tune(settings: Settings): Promise<void> {
  const device = await openDevice();
  const side = sideOf(settings);
  const assumed = { name: "", count: settings.batchSize, width: side, height: side };
  const summary = await tuneRun(device, settingsOf(settings, assumed), (done, total) =>
    post({ kind: "preparing", what: `Tuned ${done} of ${total}` }),
  );
  post({ kind: "tuned", summary });
  device.destroy();
}

/** Takes a run from the form's settings to its last step. */
async function run(settings: Settings, files: readonly File[]): Promise<void> {
  const { trainer, shown } = await prepared(settings, files, {});
  const show = await showing(trainer, shown);
  await show();
  let shownAt = gate.now();
  await train(trainer, {
    now: () => gate.now(),
    onProgress: (row) => post({ kind: "progress", row }),
    pause: async () => {
      if (gate.now() - shownAt >= SHOW_EVERY_MS) {
        await show();
        shownAt = gate.now();
      }
      await gate.pass();
    },
  });
  await show();
  post({ kind: "finished" });
}

/** Draws the built-in pictures or reads the person's own. */
function picturesFor(settings: Settings, files: readonly File[]): Pictures | Promise<Pictures> {
  const side = sideOf(settings);
  const { pictures } = settings;
  if (files.length === 0) {
    post({ kind: "preparing", what: `Drawing ${pictures} creatures` });
    return builtIn(pictures, side, SHOWN);
  }
  return ownPictures(files, side, SHOWN, (done, total) => {
    if (done % 10 === 1) post({ kind: "preparing", what: `Reading picture ${done} of ${total}` });
  });
}

const sideOf = ({ model }: Settings): number => Number(model.split("_").at(-1));

function settingsOf(settings: Settings, data: DataDescription): RunSettings {
  const { model, batchSize, steps, seed, maskRatio, learningRate } = settings;
  return runSettings({
    method: "mae",
    recipe: "paper",
    model,
    data,
    seed,
    batchSize,
    totalSteps: steps,
    rate: learningRate,
    config: { maskRatio },
  });
}

/** What each of the page's buttons sets going. */
const WORK = { start: run, profile, tune };

/** What posts the reconstructions of some pictures, always under the same masks. */
async function showing(trainer: Trainer, set: ImageSet): Promise<() => Promise<void>> {
  const { device, settings, trained } = trainer;
  const mae = maeConfigOfRun(settings)!;
  const { shards } = await DeviceImages.upload(device, set);
  const indices = Array.from({ length: set.count }, (_, i) => i);
  const boxes = Tensor.from(device, wholeBoxes(indices, set), [set.count, BOX_WORDS], "i32");
  const pictures = device.tidy(() =>
    cropPictures(shards, boxes, { size: mae.encoder.imageSize, ...IMAGENET_STATISTICS }),
  );
  const patches = gridOf(mae.encoder) ** 2;
  const values = new Random(settings.seed, "probe").fillUniform(new Float32Array(set.count * patches));
  const noise = Tensor.from(device, values, [set.count, patches]);
  return async () => {
    const step = trainer.step;
    const views = await reconstruct(device, trained, mae, pictures, noise);
    post({ kind: "pictures", step, side: mae.encoder.imageSize, count: set.count, views });
  };
}

/** The adapter in the words its driver offers: browsers leave some of them empty. */
function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return (
    description || [vendor, architecture, device].filter(Boolean).join(" ") || "an adapter without a name"
  );
}
