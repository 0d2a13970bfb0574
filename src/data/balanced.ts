/**
 * Chooses at most `limit` of the pictures with these labels: as many of every label as of the others, as far as it has
 * them, the first of each. What does not divide goes to labels at even distances. -> indices, ascending.
 */
export function balanced(labels: ArrayLike<number>, limit: number): Uint32Array {
  const sizes = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) sizes.set(labels[i]!, (sizes.get(labels[i]!) ?? 0) + 1);
  const each = shareOf([...sizes.values()], limit);
  const longer = [...sizes.keys()].filter((label) => sizes.get(label)! > each).sort((a, b) => a - b);
  const rest = limit - takenAt([...sizes.values()], each);
  const quota = new Map([...sizes.keys()].map((label) => [label, each]));
  for (let i = 0; i < rest && longer.length > 0; i++) {
    quota.set(longer[Math.floor((i * longer.length) / rest)]!, each + 1);
  }
  const chosen: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    const open = quota.get(labels[i]!)!;
    if (open > 0) chosen.push(i);
    quota.set(labels[i]!, open - 1);
  }
  return Uint32Array.from(chosen);
}

/** Pictures taken when no label gives more than `each`. */
const takenAt = (sizes: readonly number[], each: number): number =>
  sizes.reduce((sum, size) => sum + Math.min(size, each), 0);

/** The largest number for each label with which no more than `limit` are taken, by bisection. */
function shareOf(sizes: readonly number[], limit: number): number {
  let fits = 0;
  let beyond = Math.max(0, ...sizes) + 1;
  while (beyond - fits > 1) {
    const middle = Math.floor((fits + beyond) / 2);
    if (takenAt(sizes, middle) <= limit) fits = middle;
    else beyond = middle;
  }
  return fits;
}
