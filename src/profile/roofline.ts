/** What an adapter reaches: 10^9 operations and 10^9 bytes a second. Williams et al. 2009, doi:10.1145/1498765.1498785. */
export interface Roofline {
  gigaflopsPerSecond: number;
  gigabytesPerSecond: number;
}

/** Milliseconds that work takes at least under a roofline: those of its arithmetic or of its bytes, whichever are more. */
export const boundMs = (
  { flops = 0, bytes }: { flops?: number; bytes: number },
  { gigaflopsPerSecond, gigabytesPerSecond }: Roofline,
): number => Math.max(flops / gigaflopsPerSecond, bytes / gigabytesPerSecond) / 1e6;
