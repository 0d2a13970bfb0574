/** The tables and verdicts of a study as text: Markdown for the terminal, CSV for other programs. */
import type { Entry, SetTable } from "../../study/setTable.ts";
import type { Answer } from "../../study/verdict.ts";
import { crossingSentence, INTERVALS, percent, points, pWords } from "./report/words.ts";

/** One table for every set: an encoder and its reading a row, a readout a column, in per cent; below, what became of the claims. */
export const studyText = (tables: readonly SetTable[]): string =>
  tables.map((table) => `${markdown(table)}\n\n${verdictLines(table)}`).join("\n\n");

function markdown({ set, columns, rows }: SetTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line([`${set}, in %`, ...columns.map(({ target, probe }) => `${target} ${probe}`)]),
    line(["---", ...columns.map(() => "---:")]),
    line(["guessing", ...columns.map(({ floor }) => percent(floor))]),
    ...rows.map(({ encoder, reading, entries }) =>
      line([encoder === "pixels" ? encoder : `${encoder}, ${reading}`, ...entries.map(entryText)]),
    ),
  ].join("\n");
}

/** Mean and half-width of its interval. */
function entryText(entry: Entry | null): string {
  if (!entry) return "–";
  const { mean, high } = entry;
  return high === null ? percent(mean) : `${percent(mean)} ± ${percent(high - mean)}`;
}

/** A line for each verdict, and below it one for each comparison that was measured. */
const verdictLines = ({ set, verdicts, crossings }: SetTable): string =>
  [
    ...crossings.map(crossingSentence),
    ...(crossings.length > 0 ? [""] : []),
    `Claims on ${set}, differences in points with 95 % intervals ${INTERVALS}:`,
    ...verdicts.flatMap(({ claim, says, by, decision, why, answers }) => [
      `${claim}. ${says} (${by}): ${decision.toUpperCase()} (${why})`,
      ...answers.filter(({ found }) => found).map((answer) => `     ${answerText(answer)}`),
    ]),
  ].join("\n");

function answerText({ what, probe, decision, why, found, p }: Answer): string {
  const difference = found
    ? `${points(found.mean)} [${points(found.low)}, ${points(found.high)}], ${found.seeds} seed${found.seeds === 1 ? "" : "s"}: `
    : "";
  const reason = p === null ? why : `${pWords(p)} by Holm`;
  return `${what}, ${probe}: ${difference}${decision} (${reason})`;
}

/** Every entry of the tables, a line each; shares, not per cent. */
export const tableCsv = (tables: readonly SetTable[]): string =>
  csv(
    ["set", "encoder", "reading", "target", "probe", "mean", "low", "high", "seeds", "guessing"],
    tables.flatMap(({ set, columns, rows }) =>
      rows.flatMap(({ encoder, reading, entries }) =>
        entries.flatMap((entry, i) => {
          const { target, probe, floor } = columns[i]!;
          if (!entry) return [];
          const { mean, low, high, seeds } = entry;
          return [[set, encoder, reading, target, probe, mean, low, high, seeds, floor]];
        }),
      ),
    ),
  );

/** Every comparison of every verdict, a line each; a verdict of none, that of claim 4, is a line of its own. */
export const verdictCsv = (tables: readonly SetTable[]): string =>
  csv(
    [
      ...["set", "claim", "verdict", "probability", "comparison", "target", "probe", "above"],
      ...["mean", "low", "high", "seeds", "p", "decision"],
    ],
    tables.flatMap(({ set, verdicts }) =>
      verdicts.flatMap(({ claim, decision: verdict, probability = null, answers }) => {
        const about = [set, claim, verdict, probability];
        if (answers.length === 0) return [about];
        return answers.map(({ what, target, probe, above, found, p, decision }) => {
          const { mean = null, low = null, high = null, seeds = null } = found ?? {};
          return [...about, what, target, probe, above, mean, low, high, seeds, p, decision];
        });
      }),
    ),
  );

/** RFC 4180; nothing where there is no number, or where a row ends early. */
function csv(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const field = (value: string | number | null) => {
    const text = `${value ?? ""}`;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows]
    .map((row) => `${header.map((_, i) => field(row[i] ?? null)).join(",")}\n`)
    .join("");
}
