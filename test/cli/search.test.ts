import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { partwise } from "../../src/cli/program.ts";
import { exitCodeOf, sentenceOf } from "../../src/cli/system/errors.ts";
import type { Match } from "../../src/eval/maps/patchSearch.ts";
import { pictureIn } from "./png.ts";
import { withProgram } from "./program.ts";
import { writeMoco } from "./savedRun.ts";

const program = withProgram();
const at = (...parts: string[]): string => join(program.folder, ...parts);
const look = (command: string, out: string, more = ""): string[] =>
  `${command} ${at("run")} --data creatures-coat --limit 3 --no-tune --out ${at(out)} ${more}`
    .trim()
    .split(" ");

beforeAll(() => writeMoco(at("run")));

test("search puts what encoder and projector find beside each other, by places of other pictures", async () => {
  const more = "--windows 3 --share 0.5 --k 5 --query 1 --query 2:0,1";
  const { results, ...about } = await program.json(...look("search", "found", more));
  expect(about).toMatchObject({
    command: "search",
    method: "moco-v3",
    step: 1,
    pictures: 3,
    places: "windows",
  });
  const [first, second] = results as {
    query: object;
    sheet: string;
    found: Record<"encoder" | "projector", Match[]>;
  }[];
  expect([first!.query, second!.query]).toEqual([
    { picture: 1, row: 1, column: 1 },
    { picture: 2, row: 2, column: 0 },
  ]);
  expect(Object.keys(first!.found)).toEqual(["encoder", "projector"]);
  for (const list of Object.values(first!.found)) {
    expect(list).toHaveLength(5);
    expect(list.map(({ picture }) => picture)).not.toContain(1);
    const scores = list.map(({ similarity }) => similarity);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  }
  const sheet = pictureIn(readFileSync(second!.sheet));
  const colours = new Set<string>();
  for (let i = 0; i < sheet.pixels.length; i += 3) colours.add(`${sheet.pixels.subarray(i, i + 3)}`);
  expect([...colours]).toEqual(expect.arrayContaining(["214,40,40", "255,196,0", "255,255,255"]));
});

test("patches are searched, too, and a place's own picture if asked for", async () => {
  const more = "--places patches --projection none --keep-self --query 0:1,0 --k 1";
  const { results } = await program.json(...look("search", "patches", more));
  const query = { picture: 0, row: 0, column: 1 };
  expect(results).toMatchObject([{ query, found: { encoder: [query] } }]);
});

test("maps shows the pictures, their components and each head", async () => {
  const { sheet, heads } = await program.json(...look("maps", "maps", "--side 64 --threshold 0.6"));
  expect(heads).toBe(3);
  const { width, height } = pictureIn(readFileSync(sheet as string));
  expect([width, height]).toEqual([48 + 5 * 136 - 8, 24 + 26 + 3 * 136 + 17 + 24 - 8]);
});

test("what does not fit the run or the pictures is refused, and nothing is written", async () => {
  const cases: [string[], RegExp][] = [
    [look("search", "no", "--query 3"), /^--query must name one of 3 pictures, counted from 0; got 3\.$/],
    [
      look("search", "no", "--projection prototypes"),
      /^--projection must be one of those that moco-v3 has, projector, none; got prototypes\.$/,
    ],
    [look("search", "no", "--projection constructor"), /^--projection must be one .*; got constructor\.$/],
    [look("maps", "no", "--side 40"), /^--side must be a multiple of the patch size 16; got 40\.$/],
  ];
  for (const [args, sentence] of cases) {
    const error = await partwise()
      .parseAsync(args, { from: "user" })
      .then(
        () => expect.fail("it must be refused"),
        (thrown: unknown) => thrown,
      );
    expect(sentenceOf(error)).toMatch(sentence);
    expect(exitCodeOf(error)).toBe(2);
  }
  expect(existsSync(at("no"))).toBe(false);
});
