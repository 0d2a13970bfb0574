/** Pictures that lie beside the results of cells, by their files' names. */
import { cellName } from "../../../study/plan.ts";
import type { CellReport, Sheet } from "./data.ts";
import { png } from "./drawing/document.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { nameOf } from "./words.ts";

/** What files of known names show; any other name stands for itself. */
const TITLES: Record<string, string> = {
  parts: "What is asked: pictures and their parts",
  reconstructions: "Reconstructions",
  search: "Patch search",
  maps: "Attention and principal components",
};

/** A heading for each name, below it the sheet of every cell that has one; nothing where there are none. */
export function sheetsSection(sheets: readonly Sheet[], cells: readonly CellReport[]): Markup {
  const names = [...new Set(sheets.map(({ name }) => name))];
  const cellOf = (folder: string) => cells.find((cell) => cellName(cell) === folder);
  return html`${names.map(
    (name) => html`<h3>${TITLES[name] ?? name}</h3>
<div class="sheets ${name}">${sheets
      .filter((sheet) => sheet.name === name)
      .map(({ cell, file }) => {
        const found = cellOf(cell);
        const caption = captionOf(name, found) ?? cell;
        return html`<figure>${png(file, `${TITLES[name] ?? name}: ${caption}`)}<figcaption>${caption}</figcaption></figure>
`;
      })}</div>`,
  )}`;
}

/** What a sheet is of; that of parts shows no encoder. */
function captionOf(name: string, cell?: CellReport): string | undefined {
  if (name === "parts")
    return "at the left a test picture with its class, then crops of the same drawing with their parts";
  return cell && `${nameOf(cell.encoder)}, seed ${cell.seed}`;
}
