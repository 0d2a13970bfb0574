import type { Tuned } from "../engine/ops/tune.ts";

/** Time of the shipped method over that of the fastest, 1 where they are the same; null if it was skipped. */
export function speedup({ times, shipped }: Tuned): number | null {
  const usual = times.find(({ method }) => method === shipped);
  return usual ? usual.ms / times[0]!.ms : null;
}

/** What was measured as text, one line a class of shapes. */
export function tuneTable(tuned: readonly Tuned[]): { header: string[]; lines: string[][] } {
  const lines = tuned.map((found) => {
    const { name, best, times, skipped } = found;
    return [name, best, times[0]!.ms.toFixed(3), speedup(found)?.toFixed(2) ?? "–", skipped.join(", ")];
  });
  return { header: ["class of shapes", "fastest", "ms", "speed-up", "skipped"], lines };
}

/** The outcome in one sentence. */
export function tuneSummary(tuned: readonly Tuned[]): string {
  const changed = tuned.filter(({ best, shipped }) => best !== shipped);
  const gains = changed.map(speedup).filter((gain) => gain !== null);
  return (
    `${tuned.length} classes of shapes: for ${changed.length} another kernel is faster than the shipped` +
    `${gains.length > 0 ? `, up to ${Math.max(...gains).toFixed(2)} times` : ""}.`
  );
}
