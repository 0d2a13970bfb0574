/** What became of the paper's claims on one set. */
import type { Crossing } from "../../../study/crossing.ts";
import type { SetTable } from "../../../study/setTable.ts";
import type { Verdict } from "../../../study/verdict.ts";
import { badge } from "./decision.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { forest } from "./forest.ts";
import { crossingSentence, INTERVALS } from "./words.ts";

/** What single runs say, then every verdict with the intervals that it is of. `gate` is what encoders are held against. */
export const claimsSection = ({ verdicts, crossings }: SetTable, gate: string): Markup =>
  html`${crossings.length === 0 ? "" : singleRuns(crossings)}${verdicts.map(
    (verdict) => html`<section class="claim">
<h4><span>${verdict.claim}. ${sentence(verdict.says)}</span> ${badge(verdict.decision)}</h4>
<p class="muted">By ${verdict.by}. ${sentence(verdict.why)}.</p>
${drawing(verdict)}</section>
`,
  )}
<p class="muted">Intervals of 95 % ${INTERVALS}; p by Holm among the comparisons of a claim. The gate: an encoder counts on a readout only where it is, by more
than the interval, above ${gate}; a comparison with one that does not count is drawn hollow and decides nothing.</p>`;

/** One run of each decides no claim; how two differ on these pictures can be said. */
const singleRuns = (crossings: readonly Crossing[]): Markup =>
  html`<ul>${crossings.map((crossing) => html`<li>${crossingSentence(crossing)}</li>\n`)}</ul>
<p class="muted">The crossing: who learned from labels is ahead at whole objects, who learned from pictures alone at parts. These intervals are over test pictures
alone: another run of the same methods could differ by more, so that no claim is decided.</p>
`;

/** With a capital first letter, but for names that have theirs second: iBOT. */
const sentence = (text: string): string =>
  /^.[A-Z]/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);

/** Nothing where none of its comparisons was measured, which its reasons say. */
function drawing(verdict: Verdict): Markup {
  if (verdict.probability !== undefined) return probability(verdict.probability);
  return verdict.answers.some(({ found }) => found) ? forest(verdict.answers) : html``;
}

/** The chance of being first, on a line from 0 to 1 with the shares that decide. */
function probability(found: number): Markup {
  return html`<div class="chance"><svg class="interval" width="100%" height="44" role="img" aria-label="P(first) ${found.toFixed(3)}">
<line class="range" x1="4%" x2="96%" y1="14" y2="14"/>
${[0.05, 0.95].map((share) => html`<line class="zero" x1="${along(share)}" x2="${along(share)}" y1="3" y2="25"/>`)}
<circle cx="${along(found)}" cy="14" r="6"/>
<text x="4%" y="40" text-anchor="middle">0</text><text x="${along(0.05)}" y="40">.05 contradicts</text><text x="${along(0.95)}" y="40" text-anchor="middle">.95 supports</text></svg>
<span>P(first) ${found.toFixed(3)}</span></div>`;
}

const along = (share: number): string => `${(4 + 92 * share).toFixed(2)}%`;
