/** Bytes read and written in all, and 10^9 of them a second. */
export interface MemoryRate {
  bytes: number;
  gigabytesPerSecond: number;
}

/** What an adapter reaches: 10^9 operations and 10^9 bytes a second. Williams et al. 2009, doi:10.1145/1498765.1498785. */
export interface Roofline {
  /** Of f32 arithmetic. */
  gigaflopsPerSecond: number;
  /** Of matrix products whose operands are rounded to f16; as of f32 where it was not measured. */
  roundedGigaflopsPerSecond?: number;
  /** From memory and to it, beyond any cache. */
  gigabytesPerSecond: number;
  /** What work of so many bytes reaches, smallest first: small work may stay in a cache. Absent where it was not measured. */
  rates?: readonly MemoryRate[];
}

/**
 * Milliseconds that work takes at least under a roofline: those of its arithmetic or of its bytes, whichever are more.
 * Bytes move at the rate of the largest measured work that is not larger, so that no cache makes work faster than its roof.
 */
export function boundMs(
  { flops = 0, bytes, roundsOperands = false }: { flops?: number; bytes: number; roundsOperands?: boolean },
  { gigaflopsPerSecond, roundedGigaflopsPerSecond, gigabytesPerSecond, rates = [] }: Roofline,
): number {
  const rate = rates.findLast((measured) => measured.bytes <= bytes) ?? rates[0];
  const ceiling = (roundsOperands ? roundedGigaflopsPerSecond : undefined) ?? gigaflopsPerSecond;
  return Math.max(flops / ceiling, bytes / (rate?.gigabytesPerSecond ?? gigabytesPerSecond)) / 1e6;
}

/** The ceilings that 10^9 operations a second from registers, in f32, and of a product in a device's precision make. */
export const ceilings = (
  precision: "f32" | "f16",
  arithmetic: number,
  product: number,
): Pick<Roofline, "gigaflopsPerSecond" | "roundedGigaflopsPerSecond"> => {
  const most = Math.max(arithmetic, product);
  return precision === "f32"
    ? { gigaflopsPerSecond: most }
    : { gigaflopsPerSecond: arithmetic, roundedGigaflopsPerSecond: most };
};

/** Work that was timed: all bytes it reads and writes, and the seconds it took. */
export interface TimedWork {
  bytes: number;
  seconds: number;
}

/**
 * Rates by size, smallest first, of work in any order: the fastest of each size, once the seconds of a launch are taken off,
 * and none slower than larger work. Work that is mostly launch tells nothing and is left out; the largest is always there.
 */
export function memoryRates(timed: readonly TimedWork[], launch: number): MemoryRate[] {
  const rates: MemoryRate[] = [];
  for (const { bytes, seconds } of [...timed].sort((a, b) => b.bytes - a.bytes)) {
    const larger = rates[0];
    const isLaunch = launch > seconds / 2;
    if (isLaunch && larger) continue;
    const rate = bytes / (isLaunch ? seconds : seconds - launch) / 1e9;
    const gigabytesPerSecond = Math.max(rate, larger?.gigabytesPerSecond ?? 0);
    if (larger?.bytes === bytes) larger.gigabytesPerSecond = gigabytesPerSecond;
    else rates.unshift({ bytes, gigabytesPerSecond });
  }
  return rates;
}
