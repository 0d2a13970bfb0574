// `npm run web [-- PORT]`: bundles the page and serves it on this machine, on port 8000 unless another is given.
import { join } from "node:path";
import { bundleWeb } from "./bundle.mjs";
import { root } from "./run.mjs";
import { serve } from "./serve.mjs";

const folder = join(root, "dist/web");
await bundleWeb(folder);
const { url } = await serve(folder, Number(process.argv[2] ?? 8000));
console.log(`Partwise runs at ${url} (Ctrl-C ends it)`);
