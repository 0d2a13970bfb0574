import { CIVIDIS_GRADIENT } from "./cividis.ts";

/** The explorer's own style, inside its shadow root. Colours may be given by the page as `--partwise-…`, which `mountExplorer` lists. */
export const STYLE = `
:host {
  --card: var(--partwise-card, light-dark(#ffffff, #202327));
  --ink: var(--partwise-ink, light-dark(#1d2024, #e8e9ea));
  --soft: var(--partwise-soft, light-dark(#5b6168, #a3a9b0));
  --line: var(--partwise-line, light-dark(#dcdedf, #363b41));
  --field: var(--partwise-field, light-dark(#7f858c, #7b828a));
  --accent: var(--partwise-accent, light-dark(#1f5fbf, #7fb0f5));
  --bad: var(--partwise-bad, light-dark(#a82a1c, #f0897c));
  display: block;
  container-type: inline-size;
  color: var(--ink);
}

* { box-sizing: border-box; }
[hidden] { display: none !important; }

.explorer { display: grid; gap: 16px; align-items: start; }

section {
  min-width: 0;
  padding: 12px 14px;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: var(--card);
}

h2 { margin: 0 0 4px; font-size: 1rem; }
p { margin: 0; }
canvas { display: block; width: 100%; }
button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }

.query, .choices { display: grid; gap: 10px; }
.query h2 { margin: 0; }
.stage { position: relative; width: 100%; max-width: 260px; margin: 0 auto; }
.stage canvas { border-radius: 6px; }
.places, .places > div { display: contents; }
.places button { position: absolute; border-radius: 2px; }
.places button:focus-visible { z-index: 1; outline-offset: 0; }

.mark, .preview { position: absolute; border-radius: 2px; pointer-events: none; }
.mark { box-shadow: inset 0 0 0 2px #ffffff, 0 0 0 1.5px #000000; }
.preview { box-shadow: inset 0 0 0 2px #ffffff, inset 0 0 0 3px #000000; }

.hint, .said, label { color: var(--soft); font-size: 0.875rem; line-height: 1.4; }
.said { color: var(--ink); }
progress { width: 100%; height: 10px; accent-color: var(--accent); }
.trouble { color: var(--bad); overflow-wrap: anywhere; }
label { display: grid; gap: 4px; }
label.check { display: flex; gap: 8px; align-items: center; min-height: 24px; }
input { margin: 0; accent-color: var(--accent); }
input[type="range"] { width: 100%; min-height: 24px; }
input[type="checkbox"] { flex: none; width: 22px; height: 22px; }
select {
  width: 100%;
  min-height: 38px;
  padding: 4px 8px;
  border: 1px solid var(--field);
  border-radius: 6px;
  background: var(--card);
  color: inherit;
  font: inherit;
}

.reading .hint { margin-bottom: 8px; }
.readings { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 12px; }
ol, ul { display: grid; gap: 8px; margin: 0; padding: 0; list-style: none; }
.crops { grid-template-columns: repeat(3, minmax(0, 1fr)); }
.crops button { display: block; width: 100%; text-align: center; }
.crop { display: block; position: relative; overflow: hidden; border-radius: 4px; }
.score { font-size: 0.8rem; font-variant-numeric: tabular-nums; }
.pictures { grid-template-columns: repeat(auto-fill, minmax(68px, 1fr)); gap: 6px; }
.pictures button { display: block; position: relative; width: 100%; overflow: hidden; border-radius: 4px; cursor: crosshair; }
.pictures button[aria-current="true"] { overflow: visible; }
.pictures canvas { filter: grayscale(min(1, 2 * var(--heat))); } /* two hues at once cannot be read */
.pictures .mark { box-shadow: 0 0 0 1.5px #ffffff, 0 0 0 3px #000000; }
.pictures .heat { filter: none; }
.heat { position: absolute; inset: 0; height: 100%; opacity: var(--heat); image-rendering: pixelated; }

.scale {
  display: flex;
  gap: 8px;
  align-items: center;
  margin: 10px 0 8px;
  color: var(--soft);
  font-size: 0.8rem;
  font-variant-numeric: tabular-nums;
}
.ramp { flex: 1; height: 8px; border-radius: 4px; background: ${CIVIDIS_GRADIENT}; }

@container (max-width: 480px) {
  section { padding: 10px; }
}

@container (min-width: 700px) {
  .explorer {
    grid-template: "query readings" auto "choices readings" 1fr / minmax(0, 1fr) minmax(0, 2fr);
  }
  .query { grid-area: query; }
  .choices { grid-area: choices; }
  .readings { grid-area: readings; }
  .stage { max-width: 420px; }
}

@media (forced-colors: active) {
  .mark { outline: 2px solid Highlight; }
  .preview { outline: 2px dashed CanvasText; outline-offset: -2px; }
}
`;
