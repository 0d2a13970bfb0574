/** The report's style sheet: one column, light and dark by the reader's setting, no font or file from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#fbfbf9, #16181b);
  --text: light-dark(#1c1f23, #e6e7e9);
  --muted: light-dark(#5b626b, #a0a7b0);
  --line: light-dark(#dcdedb, #33383e);
  --panel: light-dark(#f1f2ef, #1f2327);
  --accent: light-dark(#0b6e69, #4cc2b8);
  --other: light-dark(#b4471f, #f08c5a);
  --third: light-dark(#5a4fb5, #a59cf0);
  --second: light-dark(#6d747d, #8f97a1);
  --warn: light-dark(#8a5200, #f0b35c);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 60rem; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; }
.muted, figcaption, caption { color: var(--muted); font-size: .9rem; }
.label {
  display: inline-block; padding: 0 .5rem; border: 1px solid var(--warn); border-radius: 1rem; color: var(--warn);
  font-size: .85rem; white-space: nowrap;
}
.verdict { font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0; white-space: nowrap; }
table.facts th { width: 34%; font-weight: 400; color: var(--muted); }
table.scores { max-width: 46rem; }
.scores thead th { text-align: right; padding-right: 0; }
.scores thead td, .scores thead tr:first-child th { border-bottom: 0; }
.scores tbody th { font-weight: 400; }
.scores small { display: block; color: var(--muted); font-size: .75rem; }
figure { margin: 0; max-width: 34rem; }
.series-labels { --series: var(--accent); }
.series-views { --series: var(--third); }
.series-masks { --series: var(--other); }
.series-floor { --series: var(--second); }
.pair { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.curve { width: 100%; height: auto; display: block; }
.curve text { fill: var(--muted); font-size: 13px; }
.curve .grid { stroke: var(--line); }
.curve path { fill: none; stroke: var(--series); stroke-linejoin: round; }
.curve .each { opacity: .35; }
.curve .smooth { stroke-width: 2.5; }
.scatter circle { fill: var(--series); }
.scatter .error { opacity: .6; stroke-width: 2; }
.scatter .floor { stroke: var(--text); stroke-dasharray: 4 4; opacity: .6; }
.scatter .name { fill: var(--series); font-weight: 600; }
.cuts { display: grid; gap: 1rem; max-width: 34rem; }
.cuts > div { display: grid; gap: .5rem; grid-template-columns: repeat(6, 1fr); }
.cuts figcaption { font-size: .8rem; line-height: 1.3; overflow-wrap: normal; }
.cuts img, .strip img { width: 100%; height: auto; image-rendering: pixelated; display: block; margin-bottom: 3px; }
.strip { display: grid; gap: 1rem .5rem; grid-template-columns: repeat(4, 1fr); }
pre {
  background: var(--panel); padding: .75rem 1rem; margin: .5rem 0; white-space: pre-wrap; font: .9rem/1.5 ui-monospace, monospace;
}
@media (min-width: 44rem) { .strip { grid-template-columns: repeat(8, 1fr); } }
@media (max-width: 30rem) { .curve text { font-size: 18px; } }
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: .8rem; }
  figure, table, .cuts > div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;
