import { IMAGENET_STATISTICS, type ImageSet } from "../../data/images.ts";
import type { Device } from "../../engine/gpu/device.ts";
import type { Parameters } from "../../engine/graph/parameters.ts";
import { extractFeatures, type Features, type Reading, vitFeatures } from "../../eval/features.ts";
import { knn } from "../../eval/knn.ts";
import { linearProbe, type ProbeSettings } from "../../eval/linearProbe.ts";
import { bootstrapInterval, type Hits, type Interval } from "../../eval/metrics.ts";
import type { VitConfig } from "../../models/vit.ts";

/** What two encoders are compared on, and how. */
export interface Comparison {
  device: Device;
  train: ImageSet;
  test: ImageSet;
  reading: Reading;
  /** k of the nearest-neighbour vote. */
  neighbours: number;
  /** Of the linear probe. */
  epochs: number;
  seed: number;
  /** What is being done just now, for the person who waits. */
  onProgress: (text: string) => void;
}

/** An encoder's probes: for each test picture whether it was right. */
export interface ProbedEncoder {
  knn: Hits;
  linear: Hits;
  temperature: number;
  probe: ProbeSettings;
}

/** k-NN and linear probe on an encoder's frozen features. */
export async function probeEncoder(
  { device, train, test, reading, neighbours, epochs, seed, onProgress }: Comparison,
  params: Parameters,
  encoder: VitConfig,
): Promise<ProbedEncoder> {
  const features = (images: ImageSet): Promise<Features> =>
    extractFeatures(device, vitFeatures(params, encoder, reading), images, {
      statistics: IMAGENET_STATISTICS,
      onProgress: (done, count) => onProgress(`features of ${images.name} ${done}/${count}`),
    });
  const [known, asked] = [await features(train), await features(test)];
  const nearest = await knn(device, known, asked, { k: [neighbours] });
  const linear = await linearProbe(device, known, asked, {
    seed,
    epochs,
    onEpoch: (epoch, loss) => onProgress(`linear probe ${epoch + 1}/${epochs}  loss ${loss.toFixed(4)}`),
  });
  return {
    knn: nearest.scores[0]!.hits,
    linear: linear.hits,
    temperature: nearest.temperature,
    probe: linear.settings,
  };
}

/** The same k-NN on the pictures themselves: normalised pixels as features, the floor of what a picture gives away. */
export async function probePixels({ device, train, test, neighbours }: Comparison): Promise<Hits> {
  // The bank in pieces: pixels are 30 times as many numbers as features.
  const result = await knn(device, pixelFeatures(train), pixelFeatures(test), {
    k: [neighbours],
    bankChunk: 1024,
  });
  return result.scores[0]!.hits;
}

/** Pixels as the encoder gets them, (v / 255 - mean) / std, one row a picture. */
export function pixelFeatures({ pixels, labels, classes, width, height }: ImageSet): Features {
  return { values: normalised(pixels), labels, classes: classes.length, dim: 3 * width * height };
}

/** uint8 RGB -> (v / 255 - mean) / std by channel. */
export function normalised(pixels: Uint8Array): Float32Array {
  const { mean, std } = IMAGENET_STATISTICS;
  return Float32Array.from(pixels, (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);
}

/** How much more often `ours` is right than `theirs` on the same pictures, with its 95 % interval over pictures. */
export function gainOf(ours: Hits, theirs: Hits): Interval {
  const differences = Array.from(ours, (hit, i) => hit - theirs[i]!);
  return bootstrapInterval(differences, { seed: 0 });
}
