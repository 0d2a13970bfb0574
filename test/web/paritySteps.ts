import { creatures } from "../../src/data/creatures/creatures.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { RAND_AUGMENT, randAugment } from "../../src/pictures/randAugment.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";

/** What a runtime computed: plain data, to be compared across processes. */
export interface ParityResult {
  adapter: string;
  step: number;
  /** SHA-256 of the pixels and of each shard of what the trainer keeps, in hex. */
  digests: Record<string, string>;
  loss: { first: number; last: number };
}

const SETTINGS = { model: "vit_micro_patch4_32", seed: 7, batchSize: 4, totalSteps: 20 };
const PICTURES = 12; // so that the 20 steps reach into a seventh epoch

/** 20 MAE steps with random crops and flips on the built-in pictures. The same file runs in Node and in a browser. */
export async function paritySteps(gpu: GPU): Promise<ParityResult> {
  const device = await Device.open(gpu);
  const set = creatures({ count: PICTURES });
  const images = await DeviceImages.upload(device, set);
  const { name: pictures, count, width, height } = set;
  const data = { name: pictures, count, width, height };
  const trainer = new Trainer(
    device,
    runSettings({ method: "mae", recipe: "paper", ...SETTINGS, data }),
    images,
  );
  await trainer.prepare();
  while (trainer.step < SETTINGS.totalSteps) trainer.run();
  const rows = await trainer.ring.read(0, trainer.step);
  const step = await trainer.updates();
  const digests: Record<string, string> = { pixels: await sha256(set.pixels) };
  for (const [prefix, { tensors }] of Object.entries(trainer.kept())) {
    for (const [shard, tensor] of tensors.entries()) {
      digests[`${prefix}${shard}`] = await sha256(await tensor.read());
    }
  }
  digests.randAugment = await sha256(await augmented(device, set));
  const { vendor, architecture, description, device: name } = device.info;
  device.destroy();
  return {
    adapter: [vendor, architecture, name, description].join(" | "),
    step,
    digests,
    loss: { first: rows[0]!.values.loss!, last: rows.at(-1)!.values.loss! },
  };
}

/** Every operation of RandAugment, two of them on each picture. */
async function augmented(device: Device, { pixels, count, width, height }: ReturnType<typeof creatures>) {
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
