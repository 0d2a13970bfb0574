import { creatures } from "../../src/data/creatures/creatures.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { RAND_AUGMENT, randAugment } from "../../src/pictures/randAugment.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { keptOf } from "../../src/train/runState.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { pictures, smallRun } from "../train/methodRuns.ts";

/** What a runtime computed: plain data, to be compared across processes. Digests are SHA-256 in hex. */
export interface ParityResult {
  adapter: string;
  pixels: string;
  randAugment: string;
  methods: Record<string, MethodResult>;
}

/** A run of six steps, three epochs: each shard of what the trainer keeps, and the losses. */
export interface MethodResult {
  updates: number;
  digests: Record<string, string>;
  losses: number[];
}

export const STEPS = 6;

/** Six steps of every method with its crops and augmentations. The same file runs in Node and in a browser. */
export async function paritySteps(gpu: GPU): Promise<ParityResult> {
  const device = await Device.open(gpu);
  const images = await DeviceImages.upload(device, pictures);
  const methods: Record<string, MethodResult> = {};
  for (const name of Object.keys(METHODS) as MethodName[]) {
    methods[name] = await trained(new Trainer(device, smallRun(name, { totalSteps: STEPS }), images));
  }
  const { vendor, architecture, description, device: name } = device.info;
  const result = {
    adapter: [vendor, architecture, name, description].join(" | "),
    pixels: await sha256(pictures.pixels),
    randAugment: await sha256(await augmented(device)),
    methods,
  };
  device.destroy();
  return result;
}

async function trained(trainer: Trainer): Promise<MethodResult> {
  await trainer.prepare();
  while (trainer.step < STEPS) trainer.run();
  const rows = await trainer.ring.read(0, STEPS);
  const digests: Record<string, string> = {};
  for (const [prefix, { tensors }] of Object.entries(keptOf(trainer))) {
    for (const [shard, tensor] of tensors.entries()) {
      digests[`${prefix}${shard}`] = await sha256(await tensor.read());
    }
  }
  return { updates: await trainer.updates(), digests, losses: rows.map(({ values }) => values.loss!) };
}

/** Every operation of RandAugment, two of them on each of twelve pictures. */
async function augmented(device: Device): Promise<ArrayBufferView> {
  const { pixels, count, width, height } = creatures({ count: 12 });
  const images = Tensor.from(device, Float32Array.from(pixels), [count, height, width, 3]);
  const operations = Object.values(RAND_AUGMENT).map((given, i) =>
    [i + 1, ...given(8.7, 1), 0, 0].slice(0, 3),
  );
  const drawn = Array.from({ length: 2 * count }, (_, i) => operations[i % operations.length]!).flat();
  return randAugment({ magnitude: 9 })
    .apply(images, Tensor.from(device, drawn, [count, 6]))
    .read();
}

async function sha256(values: ArrayBufferView): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", values as ArrayBufferView<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
