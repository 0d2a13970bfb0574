// What was measured, on what, by which versions: bench/results/*.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The repository's root, seen from a bundle in bench/dist. */
const root = join(import.meta.dirname, "../..");

/** Where and with what a bench ran. */
export interface Circumstances {
  adapter: string;
  vendor: string;
  architecture: string;
  device: string;
  node: string;
  platform: string;
  /** Package name -> version. */
  versions: Record<string, string>;
  /** Commit of this repository, with `+` behind it when files had changed. */
  commit: string;
  date: string;
}

/** What the bundler (scripts/bench.mjs) writes into every bench: on a GPU host neither git nor packages need to be there. */
declare const BUILD: { commit: string; versions: Record<string, string> };

/** Gathers the circumstances; `packages` are those whose speed is measured, beside `webgpu` (Dawn). */
export function circumstances(info: GPUAdapterInfo, packages: readonly string[] = []): Circumstances {
  const { vendor, architecture, description, device } = info;
  const { commit, versions } = BUILD;
  const measured = ["partwise", "webgpu", ...packages];
  return {
    adapter: description || device || `${vendor} ${architecture}`,
    vendor,
    architecture,
    device,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    versions: Object.fromEntries(measured.map((name) => [name, versions[name]!])),
    commit,
    date: new Date().toISOString(),
  };
}

/** `llvmpipe (LLVM 19.1.7, 256 bits)` -> `llvmpipe-llvm-19-1-7-256-bits`. */
export const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** Writes bench/results/<device>-<bench>.json (or <name>.json) and returns its path from the root. */
export function saveResults(bench: string, where: Circumstances, figures: object, name?: string): string {
  const text = `${JSON.stringify({ bench, ...where, figures }, null, 2)}\n`;
  return save(`${name ?? `${slugOf(where.device || where.adapter)}-${bench}`}.json`, text);
}

/** Writes a drawing beside the results, <device>-<subject>.svg (or <name>-<subject>.svg); returns its path. */
export function saveDrawing(subject: string, where: Circumstances, svg: string, name?: string): string {
  return save(`${name ?? slugOf(where.device || where.adapter)}-${subject}.svg`, svg);
}

function save(file: string, text: string): string {
  mkdirSync(join(root, "bench/results"), { recursive: true });
  writeFileSync(join(root, "bench/results", file), text);
  return `bench/results/${file}`;
}
