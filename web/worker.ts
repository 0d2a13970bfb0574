// Trains in a worker, so that the page stays responsive: the same Trainer and loop as in Node.
import type { ImageSet } from "../src/data/images.ts";
import { Device, type DeviceOptions } from "../src/engine/gpu/device.ts";
import { byKernel } from "../src/profile/byKernel.ts";
import { measureRoofline } from "../src/profile/measure.ts";
import { chromeTrace } from "../src/profile/trace.ts";
import { DeviceImages } from "../src/train/deviceImages.ts";
import { encodeEncoder } from "../src/train/encoderFile.ts";
import { train } from "../src/train/loop.ts";
import { type DataDescription, descriptionOf, type RunSettings, runSettings } from "../src/train/run.ts";
import { sightsOf } from "../src/train/sights.ts";
import { Trainer } from "../src/train/trainer.ts";
import { Gate } from "./gate.ts";
import type { FromWorker, Settings, ToWorker } from "./messages.ts";
import { BUILT_IN_CLASSES, builtIn, ownPictures } from "./pictures.ts";
import { tuneRun } from "./tune.ts";
import { loadTuning } from "./tuningStore.ts";

/** Pictures of a batch that are shown. */
const SHOWN = 8;
/** Time between two looks at them, in milliseconds of training. */
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
): Promise<Trainer> {
  const device = await openDevice(options);
  if (options.timestamps && !device.capabilities.timestamps) {
    throw new Error(
      "A profile needs timestamp queries, which this adapter lacks. Try another browser or GPU.",
    );
  }
  const set = await picturesFor(settings, files);
  const images = await DeviceImages.upload(device, set);
  const trainer = new Trainer(device, settingsOf(settings, descriptionOf(set)), images);
  post({ kind: "preparing", what: "Compiling the shaders" });
  await trainer.prepare();
  return trainer;
}

/** Times the run's second step, kernel by kernel: the first warms the driver up. */
async function profile(settings: Settings, files: readonly File[]): Promise<void> {
  const trainer = await prepared(settings, files, { timestamps: true });
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
    thread: `${settings.method} ${settings.model}`,
  });
  post({ kind: "profiled", profile: { rows: byKernel(dispatches, roofline), roofline, trace } });
  device.destroy();
}

/** Finds the fastest kernels for the run's shapes; they depend on no picture. */
async function tune(settings: Settings): Promise<void> {
  const device = await openDevice();
  const side = sideOf(settings);
  const assumed = {
    name: "",
    count: settings.batchSize,
    width: side,
    height: side,
    classes: BUILT_IN_CLASSES,
  };
  const summary = await tuneRun(device, settingsOf(settings, assumed), (done, total) =>
    post({ kind: "preparing", what: "Tuning", share: { done, of: total } }),
  );
  post({ kind: "tuned", summary });
  device.destroy();
}

/** Takes a run from the form's settings to its last step. */
async function run(settings: Settings, files: readonly File[]): Promise<void> {
  const trainer = await prepared(settings, files, {});
  const show = async () => post({ kind: "sights", step: trainer.step, rows: await sightsOf(trainer, SHOWN) });
  await show();
  let shownAt = gate.now();
  await train(trainer, {
    now: () => gate.now(),
    onProgress: (row) => post({ kind: "progress", row }),
    onWarning: (sentence) => post({ kind: "warning", sentence }),
    pause: async () => {
      if (gate.now() - shownAt >= SHOW_EVERY_MS) {
        await show();
        shownAt = gate.now();
      }
      await gate.pass();
    },
  });
  await show();
  post({ kind: "encoder", bytes: await encodeEncoder(trainer) });
  post({ kind: "finished" });
}

/** Draws the built-in pictures or reads the person's own. */
function picturesFor(settings: Settings, files: readonly File[]): ImageSet | Promise<ImageSet> {
  const side = sideOf(settings);
  const { pictures } = settings;
  if (files.length === 0) {
    post({ kind: "preparing", what: `Drawing ${pictures} creatures` });
    return builtIn(pictures, side);
  }
  return ownPictures(files, side, (done, total) => {
    if (done % 10 === 1)
      post({ kind: "preparing", what: "Reading your pictures", share: { done, of: total } });
  });
}

const sideOf = ({ model }: Settings): number => Number(model.split("_").at(-1));

function settingsOf(settings: Settings, data: DataDescription): RunSettings {
  const { steps, learningRate, pictures: _, ...chosen } = settings;
  return runSettings({ ...chosen, data, totalSteps: steps, rate: learningRate });
}

/** What each of the page's buttons sets going. */
const WORK = { start: run, profile, tune };

/** The adapter in the words its driver offers: browsers leave some of them empty. */
function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return (
    description || [vendor, architecture, device].filter(Boolean).join(" ") || "an adapter without a name"
  );
}
