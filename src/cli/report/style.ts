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
  --second: light-dark(#8a919a, #7b838d);
  --warn: light-dark(#8a5200, #f0b35c);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 60rem; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
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
.probes { display: grid; gap: 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.probes h3 { font-size: 1rem; margin: 0 0 .5rem; }
.bar { display: grid; grid-template-columns: 5.8rem 1fr 4.2rem; gap: .6rem; align-items: center; margin: .35rem 0; }
.bar b { text-align: right; font-variant-numeric: tabular-nums; }
.track { position: relative; height: 1.1rem; background: var(--panel); }
.fill { height: 100%; background: var(--second); }
.pretrained .fill { background: var(--accent); }
.chance { position: absolute; top: -.2rem; bottom: -.2rem; border-left: 2px dashed var(--text); }
.curve { width: 100%; height: auto; display: block; }
.curve text { fill: var(--muted); font-size: 13px; }
.curve .grid { stroke: var(--line); }
.curve path { fill: none; stroke: var(--accent); stroke-linejoin: round; }
.curve .each { opacity: .35; }
.curve .smooth { stroke-width: 2.5; }
.strip { display: grid; gap: 1rem .5rem; grid-template-columns: repeat(4, 1fr); }
.strip figure { margin: 0; }
.strip img { width: 100%; height: auto; image-rendering: pixelated; display: block; margin-bottom: 3px; }
pre {
  background: var(--panel); padding: .75rem 1rem; margin: .5rem 0; white-space: pre-wrap; font: .9rem/1.5 ui-monospace, monospace;
}
@media (min-width: 44rem) { .strip { grid-template-columns: repeat(8, 1fr); } }
@media (max-width: 30rem) { .curve text { font-size: 22px; } }
`;
