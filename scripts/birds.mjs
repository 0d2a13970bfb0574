// Real birds for a study of parts, as folders that Partwise reads: `birds` to pretrain on and to name, without the species whose
// parts are asked for, and `cub`, those with their parts. Both are links into the folders that are given. See studies/birds.yaml.
//
//     node scripts/birds.mjs BIRDS100_FOLDER CUB20_FOLDER OUT
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const [birds, cub, out] = process.argv.slice(2).map((folder) => resolve(folder));
if (!birds || !cub || !out) {
  console.error("birds: needs three folders, that of birds100, that of cub20 and one to make; got fewer");
  process.exit(2);
}

const stop = (/** @type {string} */ sentence) => {
  console.error(`birds: ${sentence}`);
  process.exit(2);
};
for (const needed of [
  join(birds, "images.txt"),
  join(birds, "train_test_split.txt"),
  join(cub, "images"),
  join(cub, "meta"),
]) {
  if (!existsSync(needed))
    stop(`${needed} must be there; it is not. Name the unpacked folders, birds100 first`);
}
if (existsSync(out)) stop(`${out} must not be there yet; it is. Remove it, or name another folder`);

/** Lines of a table, each cut into its fields. */
const rows = (/** @type {string} */ table) =>
  readFileSync(table, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(/[, ]+/));

function link(/** @type {string} */ from, /** @type {string} */ to) {
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(from, to);
}

// Of 004.Groove_billed_Ani the words are the species.
const shared = new Set(readdirSync(join(cub, "images")).map((name) => name.replace(/^\d+\./, "")));
const isTrain = new Map(rows(join(birds, "train_test_split.txt")).map(([id, flag]) => [id, flag === "1"]));
const counts = { train: 0, test: 0 };
for (const [id, name = ""] of rows(join(birds, "images.txt"))) {
  if (shared.has(dirname(name))) continue;
  const split = isTrain.get(id) ? "train" : "test";
  link(join(birds, "images", name), join(out, "birds", split, name));
  counts[split]++;
}

link(join(cub, "images"), join(out, "cub", "images"));
for (const table of readdirSync(join(cub, "meta"))) {
  const place = table.startsWith("part") ? join("parts", table) : table;
  link(join(cub, "meta", table), join(out, "cub", place));
}
console.log(
  `${counts.train} birds to train and ${counts.test} to test, of species that ${cub} does not have`,
);
