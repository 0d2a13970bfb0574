/** Text that is markup already, so that `html` does not escape it again. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Part = string | number | Markup | readonly Part[];

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it must stand in HTML and SVG, between tags and in quoted attributes. */
export const escapeText = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);

const markupOf = (part: Part): string => {
  if (part instanceof Markup) return part.text;
  return Array.isArray(part) ? part.map(markupOf).join("") : escapeText(String(part));
};

/** Tag of a template: everything that is filled in is escaped, except markup; lists are joined. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.reduce((text, string, i) => text + markupOf(parts[i - 1]!) + string));
