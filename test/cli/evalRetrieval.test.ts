import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { plainPng } from "./png.ts";
import { withProgram } from "./program.ts";
import { writeMoco } from "./savedRun.ts";

const program = withProgram();
const at = (...parts: string[]): string => join(program.folder, ...parts);

beforeAll(() => {
  writeMoco(at("run"));
  const colours = { red: [230, 20, 20], blue: [20, 20, 230] } as const;
  for (const split of ["train", "val"]) {
    for (const [name, colour] of Object.entries(colours)) {
      for (const i of [0, 1]) {
        const file = at("colours", split, name, `${i}.png`);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, plainPng(8, 8, colour));
      }
    }
  }
});

test("pictures of one colour are found by their pixels; what random order gives is said", async () => {
  const flags = `eval retrieval --pixels --data-size 8 --data ${at("colours")}`.split(" ");
  const { code, stdout, stderr } = await program.run(...flags, "--without-self");
  expect(code, stderr).toBe(0);
  // Three of seven answers are right, in a random order of them.
  expect(stdout.split("\n")).toEqual([
    "reading  numbers        AP       mAP",
    "pixels       192  100.00 %  100.00 %",
    "8 queries, left out of their answers; answers in random order: AP 58.03 %",
    "",
  ]);
  const half = await program.json(...flags, "--split", "test");
  expect(half).toMatchObject({
    command: "eval retrieval",
    split: "test",
    keepSelf: true,
    test: 4,
    classes: 2,
  });
  expect(half.train).toBeUndefined();
  expect(half.scores).toMatchObject([{ reading: "pixels", dim: 192, queries: 4, ap: 1, mAp: 1 }]);
});

test("a folder's pictures that are read to their edge, as papers do not, are said to be", async () => {
  const flags = `eval retrieval --checkpoint ${at("run")} --pool mean --split test --no-tune`.split(" ");
  const { code, stderr } = await program.run(...flags, "--data", at("colours"), "--data-size", "32");
  expect(code, stderr).toBe(0);
  expect(stderr.split("\n").filter((line) => line.startsWith("note: "))).toEqual([
    "note: --data-size 32 is the encoder's side: pictures are read to the edge of their square, not in its middle as in the " +
      "papers. For that, say 37.",
  ]);
});

test("parts are retrieved by every reading of an encoder, or by those that are named", async () => {
  const flags =
    `eval retrieval --checkpoint ${at("run")} --data creatures-coat-parts --limit 6 --no-tune`.split(" ");
  const all = await program.json(...flags);
  const scores = all.scores as { reading: string; dim: number; queries: number; ap: number; guess: number }[];
  expect(scores.map(({ reading }) => reading)).toEqual(["cls", "mean", "projector"]);
  expect(scores.at(-1)!.dim).toBe(6);
  const crops = (all.train as number) + (all.test as number);
  for (const { queries, ap, guess } of scores) {
    expect(queries).toBe(crops);
    expect(ap).toBeGreaterThan(guess - 0.05);
    expect(ap).toBeLessThan(1);
  }
  const one = await program.json(...flags, "--pool", "mean", "--batch", "5");
  expect(one.scores).toEqual([scores[1]]);
  const scrambled = await program.json(...flags, "--pool", "mean", "--scramble-patches");
  expect(scrambled.scramblePatches).toBe(true);
  expect((scrambled.scores as typeof scores)[0]!.ap).not.toBe(scores[1]!.ap);
  const { code, stderr } = await program.run(...flags, "--pool", "mean,prototypes");
  expect([code, stderr]).toEqual([
    2,
    "partwise: --pool must name some of cls, mean, projector; got prototypes.\n",
  ]);
});
