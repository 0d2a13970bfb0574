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
  --yes: light-dark(#1d7a36, #6ac282);
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
.scatter .name {
  fill: var(--series); font-weight: 600; paint-order: stroke; stroke: var(--page); stroke-width: 4px; stroke-linejoin: round;
}
h2[id] { border-top: 2px solid var(--line); padding-top: 1.25rem; margin-top: 3rem; font-size: 1.3rem; }
h2 small { color: var(--muted); font-weight: 400; font-size: .85rem; margin-left: .6rem; }
h4 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0 1.25rem; }
a { color: var(--accent); }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--muted); }
.scroll { overflow-x: auto; margin: .25rem 0 .75rem; }
.paper { width: auto; min-width: 60%; max-width: none; }
.paper th, .paper td { padding-left: .6rem; }
.paper td.number, .paper th.number { padding-right: .4rem; }
.paper th[scope=row], .verdicts th[scope=row] { padding-left: 0; min-width: 9.5rem; max-width: 15rem; }
.paper th[scope=row], .paper thead td { position: sticky; left: 0; background: var(--page); }
.paper small { display: block; font-weight: 400; color: var(--muted); font-size: .75rem; white-space: nowrap; }
.paper th[scope=row] small { white-space: normal; }
.paper .theirs { color: var(--muted); }
.paper .theirs.first, .paper th.theirs[scope=colgroup] { border-left: 1px solid var(--line); }
.paper thead tr:first-child th { text-align: center; border-bottom: 1px solid var(--line); padding-left: .9rem; }
.paper .floor th, .paper .floor td { color: var(--muted); }
.missing { color: var(--muted); }
.heat td[style] { background: color-mix(in srgb, var(--accent) var(--shade), transparent); padding-right: .5rem; }
.verdicts { min-width: 60%; }
.verdicts th[scope=row] { font-weight: 400; max-width: none; }
.verdicts small { display: block; color: var(--muted); }
.badge {
  display: inline-block; padding: .05rem .6rem; border-radius: 1rem; border: 1px solid var(--state); color: var(--state);
  font-size: .85rem; font-weight: 600; white-space: nowrap;
}
.supported { --state: var(--yes); }
.contradicted { --state: var(--other); }
.undecided { --state: var(--second); }
.claim { border-top: 1px solid var(--line); padding: .25rem 0 .75rem; break-inside: avoid; }
.claim h4 { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; justify-content: space-between; }
.sign { display: inline-block; min-width: 1.1rem; color: var(--state); font-weight: 600; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.forest { list-style: none; margin: .5rem 0; padding: 0; }
.forest li { display: grid; grid-template-columns: 15rem 1fr 17rem; gap: .75rem; align-items: center; padding: .15rem 0; }
.forest small, .forest .none, .forest .unit { color: var(--muted); font-size: .8rem; }
.what small { margin-left: .4rem; }
.found { font-variant-numeric: tabular-nums; }
.interval { display: block; overflow: visible; }
.interval .zero { stroke: var(--text); stroke-dasharray: 3 3; opacity: .6; }
.interval .range { stroke: var(--state, var(--text)); stroke-width: 2.5; }
.interval circle { fill: var(--state, var(--accent)); stroke: var(--state, var(--accent)); stroke-width: 2; }
.idle .interval circle { fill: var(--page); }
.idle .interval .range { stroke-dasharray: 5 3; opacity: .7; }
.interval .tick { stroke: var(--muted); }
.interval text { fill: var(--muted); font-size: 12px; }
.chance { display: grid; grid-template-columns: minmax(12rem, 24rem) auto; gap: 1rem 1.75rem; align-items: center; }
.small { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr)); }
.sheets { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.sheets.search { grid-template-columns: 1fr; }
.sheets figure { max-width: none; }
.sheets img { max-width: 100%; height: auto; display: block; image-rendering: pixelated; }
b[class^=series] { color: var(--series); }
pre {
  background: var(--panel); padding: .75rem 1rem; margin: .5rem 0; white-space: pre-wrap; font: .9rem/1.5 ui-monospace, monospace;
}
@media (max-width: 30rem) { .curve text { font-size: 18px; } }
@media (max-width: 44rem) {
  .verdicts .badge { font-size: .72rem; padding: 0 .4rem; }
  .verdicts td { padding-right: .3rem; }
  .paper th[scope=row], .verdicts th[scope=row] { min-width: 6.5rem; max-width: 8rem; }
  .forest li { grid-template-columns: 1fr; gap: .1rem; padding: .4rem 0; }
  .forest .interval { order: 1; }
  .forest .axis > span:first-child { display: none; }
  .forest .axis .unit { order: 2; text-align: right; }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: .8rem; }
  figure, table { break-inside: avoid; }
  .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; }
  nav { display: none; }
  h2, h3, h4 { break-after: avoid; }
}
`;
