// What `import { ... } from "partwise/explorer"` offers: patch search as a part of a page.
export { type Explorer, type ExplorerOptions, mountExplorer, type Searched } from "./explorer.ts";
export type { Places } from "./places.ts";
