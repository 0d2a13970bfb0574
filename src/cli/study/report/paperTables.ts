/** Our scores in the layout of the paper's tables, with the paper's own beside them. */
import { METHODS } from "../../../models/methods.ts";
import { PROJECTIONS } from "../../../study/claims.ts";
import { type Cell, isMethod, ownReading } from "../../../study/plan.ts";
import { isPixelScore, type ProbeName } from "../../../study/probes.ts";
import { doubtOf, PUBLISHED, PUBLISHED_SOURCE, type PublishedColumn } from "../../../study/published.ts";
import type { Column, Entry, SetTable } from "../../../study/setTable.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { bestOf, entryCell, MISSING } from "./entries.ts";
import { nameOf, percent, readingName } from "./words.ts";

/** One of the paper's tables: which of our columns belong to it, and which of the paper's. */
interface Layout {
  title: string;
  says: string;
  has(column: Pick<Column, "target" | "probe"> | PublishedColumn): boolean;
}

const LAYOUTS: readonly Layout[] = [
  {
    title: "Objects",
    says: "The class of a whole picture; the paper's table 1.",
    has: ({ target, probe }) => target === "objects" && !isPixelScore(probe),
  },
  {
    title: "Semantic segmentation",
    says: "The class of the object that each pixel shows, by a linear layer on the tokens of four blocks; pixels of none do not count. The paper's table 2. No claim is judged by it.",
    has: ({ target, probe }) => target === "objects" && isPixelScore(probe),
  },
  {
    title: "Part retrieval",
    says: "Average precision of finding crops of the same part, by the encoder and by what its loss reads; the left of the paper's table 3.",
    has: ({ target, probe }) => target === "parts" && probe === "retrieval",
  },
  {
    title: "Part classification",
    says: "The part that a crop shows; the right of the paper's table 3.",
    has: ({ target, probe }) => target === "parts" && probe !== "retrieval" && !isPixelScore(probe),
  },
  {
    title: "Part segmentation",
    says: "The part that each pixel shows, by a linear layer on the tokens of four blocks; pixels of none do not count. The paper's table 4. No claim is judged by it.",
    has: ({ target, probe }) => target === "parts" && isPixelScore(probe),
  },
];

/** A column of ours: a probe of the encoder, or of its projection. */
interface Ours {
  column: Column;
  at: number;
  of: PublishedColumn["of"];
}

/** The tables of a set that it has scores for. `budget` says in a few words what an encoder has cost, `gate` what it is held against. */
export const paperTables = (
  table: SetTable,
  budget: (encoder: Cell["encoder"]) => string,
  gate: string,
): Markup =>
  html`${LAYOUTS.map((layout) => {
    const ours = oursOf(table, layout);
    return ours.length === 0 ? "" : paperTable(table, layout, ours, budget);
  })}
<p class="muted">In %, below it the 95 % interval over pictures and seeds. Bold: the highest of its column. †: not above ${gate},
by more than the interval. –: not measured, or not in the paper. Ours are small encoders on small pictures and the paper's ViT-B/16 on ImageNet:
what compares is the order. ‡: cannot be expected again, since ${doubtOf({ target: "parts", probe: "linear" }, "mae")!}.</p>`;

function oursOf({ columns, rows }: SetTable, layout: Layout): Ours[] {
  return columns.flatMap((column, at): Ours[] => {
    if (!layout.has(column)) return [];
    const hasProjection =
      column.target === "parts" && rows.some((row) => isProjection(row) && row.entries[at]);
    return [
      { column, at, of: "encoder" as const },
      ...(hasProjection ? [{ column, at, of: "projection" as const }] : []),
    ];
  });
}

type Row = SetTable["rows"][number];
const projectionOf = (encoder: Cell["encoder"]): string | null =>
  Object.hasOwn(PROJECTIONS, encoder) ? PROJECTIONS[encoder as keyof typeof PROJECTIONS] : null;
const isProjection = ({ encoder, reading }: Row): boolean => reading === projectionOf(encoder);

/** The methods in the order of their table, those among them that the paper alone has measured, below the floors. */
const encodersOf = ({ rows }: SetTable): Cell["encoder"][] => {
  const floors = [...new Set(rows.map(({ encoder }) => encoder))].filter((encoder) => !isMethod(encoder));
  return [...floors, ...(Object.keys(METHODS) as Cell["encoder"][])];
};

function paperTable(
  table: SetTable,
  { title, says, has }: Layout,
  ours: readonly Ours[],
  budget: (encoder: Cell["encoder"]) => string,
): Markup {
  const published = PUBLISHED.filter(has);
  const entryOf = (encoder: Cell["encoder"], { column, at, of }: Ours): Entry | null => {
    const reading = of === "encoder" ? ownReading(encoder, column.probe) : projectionOf(encoder);
    return table.rows.find((row) => row.encoder === encoder && row.reading === reading)?.entries[at] ?? null;
  };
  const isShown = (encoder: Cell["encoder"]) =>
    ours.some((one) => entryOf(encoder, one)) ||
    (isMethod(encoder) && published.some(({ figures }) => figures[encoder] !== undefined));
  const encoders = encodersOf(table).filter(isShown);
  const best = ours.map((one) => bestOf(encoders.map((encoder) => entryOf(encoder, one))));
  const sets = [...new Set(published.map(({ set }) => set))];
  return html`<h4>${title}</h4>
<p class="muted">${says}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${title} on ${table.set}"><table class="scores paper">
<thead><tr><td rowspan="2"></td><th scope="colgroup" colspan="${ours.length}">ours, ${table.set}</th>
${sets.map((set) => {
  const own = published.filter((column) => column.set === set);
  return html`<th scope="colgroup" class="theirs" colspan="${own.length}">paper, ${set}</th>`;
})}</tr>
<tr>${ours.map(({ column, of }) => html`<th scope="col" class="number">${headOf(column.probe, of)}</th>`)}
${published.map((column, i) => html`<th scope="col" class="${theirs(published, i)}">${headOf(column.probe, column.of)}</th>`)}</tr></thead>
<tbody>
<tr class="floor"><th scope="row">guessing</th>${ours.map(({ column }) => html`<td class="number">${percent(column.floor)}</td>`)}
${published.map((_, i) => html`<td class="${theirs(published, i)}"></td>`)}</tr>
${encoders.map(
  (
    encoder,
  ) => html`<tr${isMethod(encoder) ? "" : html` class="floor"`}><th scope="row">${nameOf(encoder)}<small>${aboutOf(encoder, ours[0]!.column.probe, budget)}</small></th>
${ours.map((one, i) => {
  const entry = entryOf(encoder, one);
  return entryCell(entry, entry !== null && entry.mean === best[i]);
})}
${published.map((column, i) => publishedCell(column, encoder, theirs(published, i)))}</tr>
`,
)}</tbody></table></div>`;
}

const headOf = (probe: string, of: PublishedColumn["of"]): Markup =>
  html`${probe}${of === "projection" ? html`<small>projection</small>` : ""}`;

/** The paper's columns stand apart, a set from the next. */
const theirs = (published: readonly PublishedColumn[], i: number): string =>
  published[i - 1]?.set === published[i]!.set ? "number theirs" : "number theirs first";

const aboutOf = (
  encoder: Cell["encoder"],
  probe: ProbeName,
  budget: (encoder: Cell["encoder"]) => string,
): string =>
  [encoder === "pixels" ? "" : readingName(ownReading(encoder, probe)), budget(encoder)]
    .filter(Boolean)
    .join(" · ");

function publishedCell(column: PublishedColumn, encoder: Cell["encoder"], className: string): Markup {
  if (!isMethod(encoder)) return html`<td class="${className}"></td>`;
  const figure = column.figures[encoder];
  if (figure === undefined) return html`<td class="${className} missing">–</td>`;
  const doubt = doubtOf(column, encoder);
  return html`<td class="${className}" title="${PUBLISHED_SOURCE}, table ${column.table}">${doubt === null ? "" : "‡"}${figure.toFixed(1)}</td>`;
}

/** Every reading of every encoder by every probe. */
export function everyReading({ set, columns, rows }: SetTable): Markup {
  const best = columns.map((_, at) => bestOf(rows.map(({ entries }) => entries[at]!)));
  return html`<details><summary>Every reading of every encoder</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Every reading on ${set}"><table class="scores paper">
<thead><tr><td></td>${columns.map(({ target, probe }) => html`<th scope="col" class="number">${target}<small>${probe}</small></th>`)}</tr></thead>
<tbody><tr class="floor"><th scope="row">guessing</th>${columns.map(({ floor }) => html`<td class="number">${percent(floor)}</td>`)}</tr>
${rows.map(
  ({
    encoder,
    reading,
    entries,
  }) => html`<tr><th scope="row">${nameOf(encoder)}<small>${encoder === "pixels" ? "" : readingName(reading)}</small></th>
${columns.map((_, at) => {
  const entry = entries[at];
  return entry ? entryCell(entry, entry.mean === best[at]) : MISSING;
})}</tr>
`,
)}</tbody></table></div></details>`;
}
