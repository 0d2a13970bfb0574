// The licences of the packages that are in the bundles, which ask to go along with them.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./run.mjs";

const LICENCE = /^(licen[cs]e|notice|copying|patents)/i;

/**
 * Name, version and licence texts of every package that is in a bundle, by name.
 * @param {import("esbuild").Metafile[]} metafiles of the bundles
 * @returns {string}
 */
export function thirdPartyLicenses(metafiles) {
  const files = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs)),
  );
  /** @type {Map<string, Set<string>>} */
  const folders = new Map();
  for (const file of files) {
    const home = packageOf(file);
    if (home === null) continue;
    /** @type {Set<string>} */
    const seen = folders.get(home) ?? new Set();
    folders.set(home, seen);
    for (let folder = dirname(file); folder.length >= home.length; folder = dirname(folder)) seen.add(folder);
  }
  const texts = [...folders].map(([home, seen]) => entryOf(home, [...seen].sort()));
  return ["Packages that are bundled into Partwise, and their licences.\n", ...texts.sort()].join("\n");
}

/**
 * The folder of the package that a file belongs to, null for a file of ours.
 * @param {string} file from the root
 */
const packageOf = (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? null;

/**
 * @param {string} home
 * @param {string[]} folders of the package in which files of the bundles lie, its own among them
 */
function entryOf(home, folders) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, home, "package.json"), "utf8"));
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => LICENCE.test(file))
      .map((file) => join(root, folder, file)),
  );
  if (paths.length === 0) {
    throw new Error(
      `licenses: ${home} must hold the text of its licence, ${license}; it holds none. Bundle another package`,
    );
  }
  const title = `${name} ${version} (${license})`;
  const texts = paths.map((path) => readFileSync(path, "utf8").replaceAll("\r\n", "\n").trim());
  return [title, "=".repeat(title.length), ...texts.map((text) => `\n${text}`), "\n"].join("\n");
}
