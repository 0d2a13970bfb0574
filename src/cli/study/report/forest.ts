/** Differences with their intervals, one below the other on one axis: a forest plot. */
import { NO_SPREAD } from "../../../study/setResults.ts";
import type { Answer } from "../../../study/verdict.ts";
import { sign } from "./decision.ts";
import { type Scale, scaleAround } from "./drawing/axis.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { points, pWords } from "./words.ts";

/** Marks of the axis; it runs over the width of the column, in per cent, so that type keeps its size. */
const MARKS = 5;
const HEIGHT = 26;

/** A drawing of the comparisons of a claim. Without a single one that was measured it is their names alone. */
export function forest(answers: readonly Answer[]): Markup {
  const measured = answers.flatMap(({ found, above }) =>
    found ? [0, 100 * above, 100 * found.low, 100 * found.high] : [],
  );
  const x = scaleAround(measured, [4, 96], MARKS);
  return html`<ul class="forest">
${answers.map((answer) => row(answer, x))}
${measured.length > 0 ? html`<li class="axis" aria-hidden="true"><span></span>${axis(x)}<span class="unit">points</span></li>` : ""}</ul>`;
}

const at = (x: Scale, share: number): string => `${x(100 * share).toFixed(2)}%`;

function row({ what, probe, decision, why, found, above, p }: Answer, x: Scale): Markup {
  const reason = p === null ? (why ?? "") : pWords(p);
  const runs = found?.seedError === null && reason !== NO_SPREAD ? " · 1 seed" : ""; // its interval is over pictures alone
  return html`<li class="${decision}${p === null ? " idle" : ""}">
<span class="what">${sign(decision)}${what}<small>${probe}</small></span>
${found ? interval(found, above, x) : html`<span class="none">not measured</span>`}
<span class="found">${found ? html`${points(found.mean)} <small>[${points(found.low)}, ${points(found.high)}]${runs} · ${reason}</small>` : ""}</span></li>
`;
}

function interval({ mean, low, high }: NonNullable<Answer["found"]>, above: number, x: Scale): Markup {
  const middle = HEIGHT / 2;
  return html`<svg class="interval" height="${HEIGHT}" width="100%" aria-hidden="true">
<line class="zero" x1="${at(x, above)}" x2="${at(x, above)}" y1="0" y2="${HEIGHT}"/>
<line class="range" x1="${at(x, low)}" x2="${at(x, high)}" y1="${middle}" y2="${middle}"/>
<circle cx="${at(x, mean)}" cy="${middle}" r="5"/></svg>`;
}

const axis = (x: Scale): Markup =>
  html`<svg class="interval" height="20" width="100%">${x.ticks(MARKS).map(
    (mark) => html`<line class="tick" x1="${x(mark).toFixed(2)}%" x2="${x(mark).toFixed(2)}%" y1="0" y2="5"/>
<text x="${x(mark).toFixed(2)}%" y="18" text-anchor="middle">${x.tickFormat(MARKS)(mark)}</text>`,
  )}</svg>`;
