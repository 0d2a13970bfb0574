// `npm start`: makes the machine ready, builds, and runs the main job; arguments are passed on to it.
import { node } from "./run.mjs";
import { setup } from "./setup.mjs";

setup();
process.exit(node("scripts/build.mjs") || node("dist/cli.js", "start", ...process.argv.slice(2)));
