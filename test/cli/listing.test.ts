import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsageError } from "../../src/cli/system/errors.ts";
import { listFolder } from "../../src/cli/system/listing.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "partwise-listing-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with one file, a/1.png. */
function made(name: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, "a"), { recursive: true });
  writeFileSync(join(path, "a/1.png"), Uint8Array.of(1, 2, 3));
  return path;
}

test("files below, links followed, hidden ones left out", async () => {
  const path = made("plain");
  mkdirSync(join(path, ".ipynb_checkpoints"));
  writeFileSync(join(path, ".ipynb_checkpoints/1.png"), "x");
  writeFileSync(join(path, "a/._1.png"), "x");
  symlinkSync("a", join(path, "b"));
  const { files, unopened } = await listFolder(path);
  expect(files.map((file) => file.path).sort()).toEqual(["a/1.png", "b/1.png"]);
  expect(unopened).toEqual([]);
  expect([...(await files[0]!.read()), ...(await files[0]!.read(2))]).toEqual([1, 2, 3, 1, 2]);
});

test("a file comes in pieces, too, none of them larger than 1 MiB", async () => {
  const path = made("pieces");
  const bytes = Uint8Array.from({ length: 2 ** 21 + 3 }, (_, i) => i % 251);
  writeFileSync(join(path, "large"), bytes);
  const { files } = await listFolder(path);
  const pieces: Uint8Array[] = [];
  for await (const piece of files.find((file) => file.path === "large")!.pieces!()) pieces.push(piece);
  expect(pieces.map(({ length }) => length)).toEqual([2 ** 20, 2 ** 20, 3]);
  expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
  rmSync(join(path, "large"));
  const gone = files.find((file) => file.path === "large")!.pieces!();
  await expect(gone[Symbol.asyncIterator]().next()).rejects.toThrow(UsageError);
});

test("names that are not UTF-8 are opened, and no two become one", async () => {
  const path = made("latin1");
  for (const [at, byte] of [0xe8, 0xe9].entries()) {
    const name = Buffer.from([...Buffer.from("caf"), byte]);
    writeFileSync(Buffer.concat([Buffer.from(`${path}/a/`), name, Buffer.from(".png")]), Uint8Array.of(at));
  }
  const { files } = await listFolder(path);
  const found = await Promise.all(files.map(async (file) => `${file.path} ${await file.read()}`));
  expect(found.sort()).toEqual(["a/1.png 1,2,3", "a/caf\u00e8.png 0", "a/caf\u00e9.png 1"]);
});

test("what cannot be opened is named: links to nothing, to themselves, to a folder above", async () => {
  const path = made("links");
  symlinkSync("nowhere.png", join(path, "a/gone.png"));
  symlinkSync("me", join(path, "a/me"));
  symlinkSync("..", join(path, "a/up"));
  const { files, unopened } = await listFolder(path);
  expect(files.map((file) => file.path)).toEqual(["a/1.png"]);
  expect(unopened.sort()).toEqual(["a/gone.png", "a/me", "a/up"]);
});

test("a folder that is no data set is refused, and a file that is gone named", async () => {
  await expect(listFolder(join(folder, "none"))).rejects.toThrow(/none: it does not exist/);
  mkdirSync(join(folder, "deep/1/2/3/4/5/6/7/8/9"), { recursive: true });
  await expect(listFolder(join(folder, "deep"))).rejects.toThrow(
    /deep: must be at most 8 folders deep; got 1\/2/,
  );
  const path = made("gone");
  const { files } = await listFolder(path);
  rmSync(join(path, "a/1.png"));
  await expect(files[0]!.read()).rejects.toThrow(UsageError);
  await expect(files[0]!.read()).rejects.toThrow(`${path}/a/1.png: it does not exist`);
});
