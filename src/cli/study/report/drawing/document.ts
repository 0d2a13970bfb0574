import { html, Markup } from "./markup.ts";
import { STYLE } from "./style.ts";

/** A self-contained HTML page: no script, no address; pictures are data. */
export const documentOf = (title: string, body: Markup): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`.text;

/** A PNG file as it stands in a page, its pixels as large as the place allows. */
export const png = (file: Uint8Array, alt: string, side?: { width: number; height: number }): Markup =>
  html`<img${side ? html` width="${side.width}" height="${side.height}"` : ""} alt="${alt}" src="data:image/png;base64,${Buffer.from(file).toString("base64")}">`;
