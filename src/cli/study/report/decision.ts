/** What was decided, as a person sees and hears it: a word and a sign, so that nothing is told by colour alone. */
import type { Decision } from "../../../study/verdict.ts";
import { html, type Markup } from "./drawing/markup.ts";

const SIGNS: Record<Decision, string> = { supported: "✓", contradicted: "✕", undecided: "?" };

/** Of a claim. */
export const badge = (decision: Decision): Markup =>
  html`<span class="badge ${decision}">${SIGNS[decision]} ${decision}</span>`;

/** Of one of a claim's comparisons, where there is room for the sign: the word is heard. */
export const sign = (decision: Decision): Markup =>
  html`<span class="sign" aria-hidden="true">${SIGNS[decision]}</span><span class="unseen">${decision}: </span>`;
