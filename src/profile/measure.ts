import type { Device } from "../engine/gpu/device.ts";
import { runElementwise } from "../engine/gpu/elementwiseKernel.ts";
import { elementwise, type Formula, formula } from "../engine/gpu/formula.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { uniform } from "../engine/ops/randomOps.ts";
import { sum } from "../engine/ops/sum.ts";
import { ceilings, type MemoryRate, memoryRates, type Roofline, type TimedWork } from "./roofline.ts";
import { type Clock, leastSeconds } from "./stopwatch.ts";

const MIB = 2 ** 20;
/** Work grows from size to size until one piece of it takes this long: slow adapters need no more. */
const ENOUGH_SECONDS = 0.004;
/** Bytes of a tensor that is copied: two of the first are beyond most caches, of the last beyond all. */
const COPIED = [64 * MIB, 128 * MIB, 256 * MIB] as const;
/** Bytes of the smallest; less is over before its launch is. */
const LEAST_COPIED = MIB;
/** Values of a row that the reading kernel adds, and bytes that are compared at a time. */
const ROW = 1024;
/** Values that the arithmetic works on, and its operations for each. */
const CALCULATED = [2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24] as const;
const LOOPS = 64;
const UNROLLED = 8;
const CHAINS = ["a", "b"];
const FLOPS = 2 * LOOPS * UNROLLED * CHAINS.length;
const SIDES = [512, 1024, 2048, 4096] as const;
/** Largest deviation from float64, relative to the sum of the products' sizes: a few roundings of f32, or one of each operand to f16. */
const TOLERANCE = { f32: 1e-5, f16: 1e-3 };

const copied = formula("copied", ["x: U"], "return x;", [], "U");

/** Multiplications and additions that wait for none but the one before them in their chain, from registers. */
function arithmetic(): Formula {
  const starts = CHAINS.map((name, i) => `var ${name} = x * ${i + 1}.0;`);
  const links = CHAINS.map((name) => `${name} = fma(${name}, x, x);`).join(" ");
  const loop = `for (var i = 0u; i < ${LOOPS}u; i++) { ${links.repeat(UNROLLED)} }`;
  return formula("arithmetic", ["x: V"], [...starts, loop, `return ${CHAINS.join(" + ")};`].join("\n"));
}

/** The measure of the first size that keeps the adapter busy for long enough, or of the last. */
async function atSize<T extends { seconds: number }>(
  sizes: readonly number[],
  measure: (size: number) => Promise<T>,
): Promise<T> {
  const [size = 0, ...larger] = sizes;
  const found = await measure(size);
  return larger.length === 0 || found.seconds > ENOUGH_SECONDS ? found : atSize(larger, measure);
}

/** What was measured of an adapter's memory. */
export interface MemoryFigures extends MemoryRate {
  /** What was that fast: a kernel, or the queue's own copy. */
  by: "kernel" | "queue";
  /** By size, caches included: `Roofline.rates`. */
  rates: MemoryRate[];
}

/**
 * How fast bytes are read and written: the best of a kernel that copies, one that adds up what it reads, and the queue's
 * copy, a launch taken off; `bytes` are beyond any cache. Throws if a copy differs from its source.
 */
export async function memoryRate(device: Device, now: Clock): Promise<MemoryFigures> {
  const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  const { bytes } = await atSize(
    COPIED.filter((bytes, i) => i === 0 || bytes <= limit),
    async (wanted) => {
      const bytes = Math.min(wanted, limit);
      const [from, to] = pairOf(device, bytes);
      const seconds = await leastSeconds(device, now, () => copyByKernel(from, to));
      await free(from, to);
      return { bytes, seconds };
    },
  );
  const [from, to] = pairOf(device, bytes);
  await checkCopies(from, to);
  const time = async (bytes: number, work: () => void): Promise<TimedWork> => ({
    bytes,
    seconds: await leastSeconds(device, now, work),
  });
  const { seconds: launch } = await time(0, () => copyByKernel(from.alias([1]), to.alias([1])));
  const byKernel: TimedWork[] = [];
  for (let rows = from.shape[0]!; rows * ROW * 4 >= LEAST_COPIED; rows = Math.floor(rows / 2)) {
    const [x, y] = [from, to].map((tensor) => tensor.alias([rows, ROW])) as [Tensor, Tensor];
    byKernel.push(await time(2 * x.bytes, () => copyByKernel(x, y)));
    byKernel.push(await time(x.bytes, () => void sum(x, 1)));
  }
  const byQueue = await time(2 * from.bytes, () => device.copy(from, to));
  await free(from, to);

  const rates = memoryRates([...byKernel, byQueue], launch);
  const best = rates.at(-1)!;
  const isKernel = memoryRates(byKernel, launch).at(-1)!.gigabytesPerSecond === best.gigabytesPerSecond;
  return { ...best, by: isKernel ? "kernel" : "queue", rates };
}

/** Random numbers, of which no memory can store fewer, in rows, and a tensor for a copy of them. */
function pairOf(device: Device, bytes: number): [from: Tensor, to: Tensor] {
  const shape = [Math.floor(bytes / 4 / ROW), ROW];
  const step = Tensor.zeros(device, [], "u32");
  const from = uniform(device, shape, { seed: 0, stream: "test", step });
  step.dispose();
  return [from, Tensor.empty(device, shape)];
}

/** Gives large tensors' memory back to the adapter at once, not to the pool: others may need it. */
async function free(...tensors: [Tensor, ...Tensor[]]): Promise<void> {
  const { device } = tensors[0];
  for (const tensor of tensors) tensor.dispose();
  await device.finish();
  await device.allocator.trim();
}

const copyByKernel = (from: Tensor, to: Tensor): void =>
  runElementwise(from.device, elementwise(copied, [from], to));

/** Compares rows of what the kernel and the queue make of a tensor with the tensor. */
async function checkCopies(from: Tensor, to: Tensor): Promise<void> {
  const [rows = 0] = from.shape;
  for (const copy of [copyByKernel, from.device.copy.bind(from.device)]) {
    from.device.clear(to);
    copy(from, to);
    for (const row of [0, rows >> 1, rows - 1]) {
      const ends = [from, to].map((tensor) => tensor.alias([ROW], row * ROW * 4).read());
      const [sent, received] = await Promise.all(ends);
      if (sent!.every((value, i) => value === received![i])) continue;
      throw new Error("measure: a copy on the GPU must equal its source; it does not. Update the driver");
    }
  }
}

/** 10^9 additions and multiplications a second, f32, from registers: no kernel computes faster. */
export async function arithmeticRate(device: Device, now: Clock): Promise<{ gigaflops: number }> {
  const { size, seconds } = await atSize(CALCULATED, async (size) => {
    const [x, y] = [Tensor.zeros(device, [size]), Tensor.empty(device, [size])];
    const work = () => runElementwise(device, elementwise(arithmetic(), [x], y));
    const seconds = await leastSeconds(device, now, work);
    for (const tensor of [x, y]) tensor.dispose();
    return { size, seconds };
  });
  return { gigaflops: (size * FLOPS) / seconds / 1e9 };
}

/** Numbers in [-0.5, 0.5) without a pattern. */
const values = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 8) / 2 ** 24 - 0.5);

/**
 * Multiplies square matrices in the device's precision: 10^9 additions and multiplications a second. Throws if the product is
 * wrong.
 */
export async function matmulRate(device: Device, now: Clock): Promise<{ side: number; gigaflops: number }> {
  const { side, seconds } = await atSize(SIDES, async (side) => {
    const [x, y] = [values(side * side, 1), values(side * side, 7)];
    const [a, b] = [x, y].map((v) => Tensor.from(device, v, [side, side])) as [Tensor, Tensor];
    const product = matmul(a, b);
    checkProduct(x, y, (await product.read()) as Float32Array, {
      side,
      tolerance: TOLERANCE[device.precision],
    });
    const seconds = await leastSeconds(device, now, () => void matmul(a, b));
    for (const tensor of [a, b, product]) tensor.dispose();
    return { side, seconds };
  });
  return { side, gigaflops: (2 * side ** 3) / seconds / 1e9 };
}

/** Compares one value of each row with float64. */
function checkProduct(
  x: Float32Array,
  y: Float32Array,
  product: Float32Array,
  { side, tolerance }: { side: number; tolerance: number },
): void {
  for (let row = 0; row < side; row++) {
    const column = (row * 31) % side;
    let [sum, size] = [0, 0];
    for (let k = 0; k < side; k++) {
      const term = x[row * side + k]! * y[k * side + column]!;
      sum += term;
      size += Math.abs(term);
    }
    const got = product[row * side + column]!;
    if (!(Math.abs(got - sum) <= tolerance * size)) {
      throw new Error(
        `measure: a matrix product must be right; value [${row}, ${column}] of ${side} x ${side} is ${got}, not ${sum}. ` +
          "Update the driver",
      );
    }
  }
}

/** What `byKernel` compares a step's kernels with: nothing a kernel does should be faster. */
export async function measureRoofline(device: Device, now: Clock): Promise<Roofline> {
  const { gigabytesPerSecond, rates } = await memoryRate(device, now);
  const [{ gigaflops }, product] = [await arithmeticRate(device, now), await matmulRate(device, now)];
  return { ...ceilings(device.precision, gigaflops, product.gigaflops), gigabytesPerSecond, rates };
}
