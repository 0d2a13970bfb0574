// What `import { ... } from "partwise/explorer"` offers: patch search as a part of a page.
export { type Explorer, type ExplorerOptions, mountExplorer } from "./explorer.ts";
export type { Places } from "./places.ts";
export type { Found, Searched } from "./searched.ts";
