import type { Device } from "../engine/gpu/device.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { matmul } from "../engine/ops/matmul.ts";
import type { Roofline } from "./roofline.ts";

/** Milliseconds of a clock that only moves forward. */
export type Clock = () => number;

const COPY_BYTES = 64 * 2 ** 20;
/** A measurement repeats its work until it takes this long, and the median of a few such counts. */
const SAMPLE_MS = 150;
const SAMPLES = 5;
/** Matrices grow from the first to the last side until one product takes `PRODUCT_MS`. */
const SIDES = [512, 1024, 2048, 4096] as const;
const PRODUCT_MS = 8;
/** Largest deviation from float64, relative to the sum of the products' sizes: a few roundings of f32. */
const TOLERANCE = 1e-5;

/** Numbers in [-0.5, 0.5) without a pattern. */
const values = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 8) / 2 ** 24 - 0.5);

/** Seconds that one call of `work` takes, of many submitted together. */
async function secondsOf(device: Device, now: Clock, work: () => void): Promise<number> {
  const timed = async (repeats: number): Promise<number> => {
    await device.finish();
    const start = now();
    for (let i = 0; i < repeats; i++) work();
    await device.finish();
    return now() - start;
  };
  await timed(1);
  let repeats = 1;
  let took = await timed(repeats);
  while (took < SAMPLE_MS) {
    repeats = Math.ceil(repeats * Math.min(10, (1.2 * SAMPLE_MS) / Math.max(took, 0.1)));
    took = await timed(repeats);
  }
  const samples = [took];
  while (samples.length < SAMPLES) samples.push(await timed(repeats));
  return samples.sort((a, b) => a - b)[Math.floor(SAMPLES / 2)]! / repeats / 1000;
}

/** Copies a buffer to another: 10^9 bytes read and written a second. Throws if the copy differs. */
export async function copyRate(
  device: Device,
  now: Clock,
): Promise<{ bytes: number; gigabytesPerSecond: number }> {
  const count =
    Math.min(COPY_BYTES, device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize) / 4;
  const from = Tensor.from(device, values(count, 1), [count]);
  const to = Tensor.zeros(device, [count]);
  device.copy(from, to);
  const [sent, received] = [await from.read(), await to.read()];
  if (!sent.every((value, i) => value === received[i])) {
    throw new Error("measure: a copy on the GPU must equal its source; it does not. Update the driver");
  }
  const seconds = await secondsOf(device, now, () => device.copy(from, to));
  for (const tensor of [from, to]) tensor.dispose();
  return { bytes: count * 4, gigabytesPerSecond: (2 * count * 4) / seconds / 1e9 };
}

/** Multiplies square f32 matrices: 10^9 additions and multiplications a second. Throws if the product is wrong. */
export async function matmulRate(device: Device, now: Clock): Promise<{ side: number; gigaflops: number }> {
  for (const side of SIDES) {
    const [x, y] = [values(side * side, 1), values(side * side, 7)];
    const [a, b] = [x, y].map((v) => Tensor.from(device, v, [side, side])) as [Tensor, Tensor];
    const product = matmul(a, b);
    checkProduct(x, y, (await product.read()) as Float32Array, side);
    const seconds = await secondsOf(device, now, () => device.tidy(() => void matmul(a, b)));
    for (const tensor of [a, b, product]) tensor.dispose();
    if (seconds * 1000 > PRODUCT_MS || side === SIDES.at(-1)) {
      return { side, gigaflops: (2 * side ** 3) / seconds / 1e9 };
    }
  }
  throw new Error("measure: there must be a matrix size; there is none");
}

/** Compares one value of each row with float64. */
function checkProduct(x: Float32Array, y: Float32Array, product: Float32Array, side: number): void {
  for (let row = 0; row < side; row++) {
    const column = (row * 31) % side;
    let [sum, size] = [0, 0];
    for (let k = 0; k < side; k++) {
      const term = x[row * side + k]! * y[k * side + column]!;
      sum += term;
      size += Math.abs(term);
    }
    const got = product[row * side + column]!;
    if (!(Math.abs(got - sum) <= TOLERANCE * size)) {
      throw new Error(
        `measure: a matrix product must be right; value [${row}, ${column}] of ${side} x ${side} is ${got}, not ${sum}. ` +
          "Update the driver",
      );
    }
  }
}

/** Both rates: what `byKernel` compares a step's kernels with. */
export async function measureRoofline(device: Device, now: Clock): Promise<Roofline> {
  const { gigabytesPerSecond } = await copyRate(device, now);
  const { gigaflops } = await matmulRate(device, now);
  return { gigaflopsPerSecond: gigaflops, gigabytesPerSecond };
}
