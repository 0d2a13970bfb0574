import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listFolder } from "../../../src/cli/system/listing.ts";
import { type FolderEntry, folderOf } from "../../../src/data/folder.ts";
import { decodeAdeMask, readAdeAttributes, readAdeJson } from "../../../src/data/parts/ade20k.ts";
import { ade20k } from "../../../src/data/parts/ade20kFolder.ts";
import { PictureFile } from "../../../src/data/pictureFile.ts";
import { decodePng } from "../../../src/data/png.ts";
import { pngOf } from "../../cli/png.ts";
import { dataFolder } from "../dataFolder.ts";
import { file, pictures } from "../listed.ts";

const text = (path: string, content: unknown): FolderEntry =>
  file(path, new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content)));

/** A mask of 3 x 2 pixels: class and blue value of each. */
const mask = (...pixels: [number, number][]): Buffer => {
  const colours = pixels.map(([index, blue]) => [Math.floor(index / 256) * 10, index % 256, blue]);
  return pngOf(3, [colours.slice(0, 3).flat(), colours.slice(3).flat()], { type: 2 });
};
const [NONE, CAR, VAN, WHEEL]: [number, number][] = [
  [0, 0],
  [401, 50],
  [401, 80],
  [2978, 20],
];
const SEGMENTS = mask(CAR!, CAR!, VAN!, NONE!, CAR!, VAN!);
const PARTS = mask(NONE!, WHEEL!, NONE!, NONE!, WHEEL!, [2978, 90]);
const ATTRIBUTES = `001 # 0 # 0 # car, auto # car # ""
002 # 0 # 1 # van # van # "dirty"
001 # 1 # 0 # wheel # wheel # ""
002 # 1 # 0 # wheel # tyre # ""
`;

const part = (id: number, name: string, part_level: number, ispartof: unknown, x: number[], y: number[]) => ({
  id,
  name,
  parts: { part_level, ispartof, hasparts: [] },
  polygon: { x, y },
});
const JSON_2021 = {
  annotation: {
    imsize: [2, 3, 3],
    object: [
      part(0, "car, auto", 0, [], [0, 3, 3, 0], [0, 0, 2, 2]),
      part(5, "wheel, tyre", 1, 0, [1, 2.5, 2.5, 1], [0, 0, 4, 4]),
      part(6, "rim", 2, 5, [1, 2, 2, 1], [1, 1, 2, 2]),
    ],
  },
};

const read = async (entries: FolderEntry[], split: "train" | "test" = "train") => {
  const notes: string[] = [];
  const folder = folderOf(entries);
  expect(ade20k.isIn(folder)).toBe(true);
  const options = { split, path: "ade", note: (sentence: string) => notes.push(sentence) };
  return { ...(await ade20k.read(folder, options)), notes };
};
const AT = "images/ADE/training/street/x";

test("colours are classes and instances", () => {
  const decoded = decodeAdeMask(decodePng(new PictureFile("x", PARTS, "PNG")));
  expect([...decoded.classes]).toEqual([0, 2978, 0, 0, 2978, 2978]);
  expect([...decoded.instances]).toEqual([0, 1, 0, 0, 1, 2]);
});

test("the release of 2021 has parts from its outlines", async () => {
  const entries = [
    ...pictures(`${AT}.jpg`, "images/ADE/training/street/y.jpg"),
    file(`${AT}_seg.png`, SEGMENTS),
    file("images/ADE/training/street/y_seg.png", SEGMENTS),
    text(`${AT}.json`, JSON_2021),
  ];
  const { partNames, pictures: found, notes } = await read(entries);
  expect(partNames).toEqual(["car wheel", "wheel rim"]);
  expect(found.map(({ file, annotated, regions }) => [file.path, annotated, regions])).toEqual([
    [
      `${AT}.jpg`,
      { width: 3, height: 2 },
      [
        { part: 0, left: 1, top: 0, width: 1.5, height: 2 },
        { part: 1, left: 1, top: 1, width: 1, height: 1 },
      ],
    ],
  ]);
  expect([...(await found[0]!.mask!()).labels]).toEqual([0, 1, 0, 0, 2, 0]);
  expect(notes).toEqual(["ade: 1 pictures have no .json or _atr.txt beside them and are left out"]);
  expect((await read(entries, "test")).pictures).toEqual([]);
});

test("the release of 2016 has them from its masks, with the owner below", async () => {
  const { partNames, pictures: found } = await read([
    ...pictures(`${AT}.jpg`),
    file(`${AT}_seg.png`, SEGMENTS),
    file(`${AT}_parts_1.png`, PARTS),
    text(`${AT}_atr.txt`, ATTRIBUTES),
  ]);
  expect(partNames).toEqual(["car wheel", "van wheel"]);
  expect(found[0]!.regions).toEqual([
    { part: 0, left: 1, top: 0, width: 1, height: 2 },
    { part: 1, left: 2, top: 1, width: 1, height: 1 },
  ]);
  expect([...(await found[0]!.mask!()).labels]).toEqual([0, 1, 0, 0, 1, 2]);
});

test("what is broken is named by its place", () => {
  const broken = (change: object) =>
    new TextEncoder().encode(JSON.stringify({ annotation: { ...JSON_2021.annotation, ...change } }));
  const [first] = JSON_2021.annotation.object;
  const wrong: [Uint8Array, string][] = [
    [
      new TextEncoder().encode('{"annotation": {'),
      'x.json: the file must be JSON; got "{\\"annotation\\": {"',
    ],
    [new TextEncoder().encode("null"), "x.json: annotation.imsize must be numbers; got nothing"],
    [broken({ object: 3 }), "x.json: annotation.object must be a list; got 3"],
    [broken({ object: [first, { name: "x" }] }), "x.json: annotation.object[1] must have an id and a name"],
    [
      broken({ object: [{ ...first, parts: {} }] }),
      "x.json: annotation.object[0].parts must have a part_level; got {}",
    ],
    [
      broken({ object: [{ ...first, polygon: { x: [1], y: [] } }] }),
      "annotation.object[0].polygon must have as many",
    ],
  ];
  for (const [bytes, message] of wrong) expect(() => readAdeJson("x.json", bytes)).toThrow(message);
  expect(() => readAdeAttributes("x_atr.txt", new TextEncoder().encode(`${ATTRIBUTES}3 # wheel`))).toThrow(
    'x_atr.txt: line 5 must be an instance, a level, 0 or 1, a name and a raw name between #; got "3 # wheel"',
  );
});

test("three pictures of ADE20K have 109 objects and 25 parts; colours agree with names", async (context) => {
  const folder = join(dataFolder(context), "ade20k-3");
  const { files } = await listFolder(folder);
  const jsons = files.filter(({ path }) => path.endsWith(".json"));
  const all = await Promise.all(jsons.map(async (entry) => readAdeJson(entry.path, await entry.read())));
  const levels = all.flatMap(({ objects }) => objects.map(({ level }) => level));
  expect([0, 1, 2].map((level) => levels.filter((own) => own === level).length)).toEqual([109, 25, 5]);
  const { pictures: found, partNames } = await read(files);
  expect(found.flatMap(({ regions }) => regions)).toHaveLength(30);
  expect(partNames).toContain("car license plate");
  const at = join(folder, jsons[2]!.path.replace(".json", ""));
  const { object } = JSON.parse(readFileSync(`${at}.json`, "latin1")).annotation;
  const decoded = decodeAdeMask(decodePng(new PictureFile(at, readFileSync(`${at}_parts_1.png`), "PNG")));
  const ofLevel1 = object.filter((one: { parts: { part_level: number } }) => one.parts.part_level === 1);
  const named = new Set(ofLevel1.map((one: { name_ndx: number }) => one.name_ndx));
  expect(new Set(decoded.classes)).toEqual(new Set([0, ...named]));
});
