/** Settings in words, and rows of facts. */
import type { RunSettings } from "../../../train/run.ts";
import { html, type Markup } from "./drawing/markup.ts";

type Fact = readonly [string, ...(string | number | Markup)[]];

/** Rows of facts: a name, then one column or several. */
export const facts = (rows: readonly Fact[]): Markup =>
  html`${rows.map(([name, ...values]) => html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>\n`)}`;

/** AdamW and its numbers, in words. */
export function optimiserOf({ betas, weightDecay, clip }: RunSettings): string {
  const decay = weightDecay.kind === "constant" ? weightDecay.value : "that changes";
  return `AdamW, β ${betas.join(" / ")}, weight decay ${decay}${clip === null ? "" : `, clipped at ${clip.limit}`}`;
}

/** Settings of a method, in words. */
export const ownOf = (config: object): string =>
  Object.entries(config)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
