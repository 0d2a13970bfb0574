// `npm run web [-- PORT]`: bundles the page and serves it on this machine, on port 8000 unless another is given.
import { join } from "node:path";
import { root } from "./run.mjs";
import { serve } from "./serve.mjs";
import { setup } from "./setup.mjs";

const [given = "8000"] = process.argv.slice(2);
const port = Number(given);
if (!(Number.isInteger(port) && port >= 0 && port < 65_536)) {
  console.error(`web: the port must be a whole number below 65536; got ${given}. Leave it out for 8000.`);
  process.exit(2);
}
setup({ gpu: false });
const { bundleWeb } = await import("./bundle.mjs");
const folder = join(root, "dist/web");
await bundleWeb(folder);
const { url } = await serve(folder, port).catch((error) => {
  if (error.code !== "EADDRINUSE") throw error;
  console.error(
    `web: port ${port} must be free; another program has it. Name another: npm run web -- ${port + 1}`,
  );
  process.exit(2);
});
console.log(`Partwise runs at ${url} (Ctrl-C ends it)`);
