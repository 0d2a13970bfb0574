// Which patches of a picture are hidden. BEiT (Bao et al. 2021, arXiv:2106.08254; masking_generator.py), CAE (Chen et al. 2022,
// arXiv:2202.03026; the same generator without its early exit) and iBOT (Zhou et al. 2021, arXiv:2111.07832; loader.py) grow
// blocks alike. What differs: numbers come from the counter-based generator.

/** A grid of patches and how much of it to hide. */
export interface BlockMaskOptions {
  rows: number;
  columns: number;
  /** Patches to hide at most; iBOT's is a fraction of the grid and need not be whole. */
  count: number;
  /** Smallest area a block is drawn from: 16 in BEiT and CAE on 14 x 14, (shorter side // 3)² in iBOT. */
  minBlock: number;
  /** Keep trying until exactly `count` are hidden (CAE); otherwise ten attempts without success end it (BEiT, iBOT). */
  exact?: boolean;
}

/** Attempts to place one block. */
const ATTEMPTS = 10;
/** Range of height / width. */
const LOG_ASPECT = [Math.log(0.3), Math.log(1 / 0.3)] as const;

/**
 * Hides rectangles at random places until `count` patches are hidden: areas uniform between `minBlock` and what is left, in
 * either order, aspects log-uniform; a block must fit with room to spare and hide at least one patch more and no more than
 * are left. `next` gives numbers in [0, 1). -> [rows * columns], 1 hidden.
 */
export function blockMask(options: BlockMaskOptions, next: () => number): Uint8Array {
  const { rows, columns, count, minBlock, exact = false } = options;
  if (!(count >= 0 && count < rows * columns) || (exact && !Number.isInteger(count))) {
    throw new Error(
      `blockMask: count must be ${exact ? "whole and " : ""}from 0 to below the ${rows * columns} patches; got ${count}`,
    );
  }
  const mask = new Uint8Array(rows * columns);
  const between = (low: number, high: number) => low + (high - low) * next();
  let hidden = 0;
  let failures = 0;
  while (hidden < count && (exact || failures < ATTEMPTS)) {
    const area = between(minBlock, count - hidden);
    const aspect = Math.exp(between(...LOG_ASPECT));
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    const added =
      height < rows && width < columns ? place(mask, options, height, width, next, count - hidden) : 0;
    failures = added > 0 ? 0 : failures + 1;
    hidden += added;
  }
  return mask;
}

/** Hides a block at a random place if it hides 1 to `most` patches more; how many it does. */
function place(
  mask: Uint8Array,
  { rows, columns }: BlockMaskOptions,
  height: number,
  width: number,
  next: () => number,
  most: number,
): number {
  const top = Math.floor(next() * (rows - height + 1));
  const left = Math.floor(next() * (columns - width + 1));
  const inside = Array.from(
    { length: height * width },
    (_, i) => (top + Math.floor(i / width)) * columns + left + (i % width),
  );
  const fresh = inside.filter((at) => mask[at] === 0);
  if (fresh.length === 0 || fresh.length > most) return 0;
  for (const at of fresh) mask[at] = 1;
  return fresh.length;
}

/** Exactly `count` patches of `patches`, each choice equally likely: iBOT's "rand". -> [patches], 1 hidden. */
export function randomMask(patches: number, count: number, next: () => number): Uint8Array {
  const order = Array.from({ length: patches }, (_, i) => i);
  const mask = new Uint8Array(patches);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(next() * (patches - i));
    [order[i], order[j]] = [order[j]!, order[i]!];
    mask[order[i]!] = 1;
  }
  return mask;
}
