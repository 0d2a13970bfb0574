import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/data/safetensors.ts";
import { CODEBOOK } from "../../src/models/tokenizer.ts";
import { withProgram } from "./program.ts";
import { expectOnlyMeasured } from "./savedRun.ts";

const program = withProgram();
const at = (name: string): string => join(program.folder, name);
const PICTURES = "--data creatures-coat --limit 8 --model vit_micro_patch8_32 --batch 4".split(" ");

const fitTo = (out: string, seed: string) =>
  program.json("tokenizer", ...PICTURES, ..."--tokens 6 --seed".split(" "), seed, "--out", at(out));

const codesIn = (file: string) => readSafetensors(readFileSync(file)).tensors.get(CODEBOOK)!;

test("a tokenizer that was fitted is what a run predicts, and what it is resumed with", async () => {
  expect(await fitTo("new/codes", "0")).toMatchObject({
    command: "tokenizer",
    tokens: 6,
    patchSize: 8,
    pictures: 8,
  });
  await fitTo("others", "1");
  const codes = codesIn(at("new/codes"));
  expect(codes.shape).toEqual([6, 192]);
  expect(codesIn(at("others")).data).not.toEqual(codes.data);

  const beit = [
    ...["pretrain", "beit", ...PICTURES],
    ..."--masked-patches 4 --min-block 2 --steps 2 --out".split(" "),
    at("run"),
  ];
  await program.json(...beit, "--tokenizer", at("new/codes"));
  expect(codesIn(join(at("run"), "checkpoint.safetensors"))).toEqual(codes);
  const { settings } = JSON.parse(readFileSync(join(at("run"), "checkpoint.json"), "utf8"));
  expect(settings.config.tokens).toBe(6);
  expect(settings.tokenizer).toBe(
    createHash("sha256")
      .update(codes.data as Float32Array)
      .digest("hex"),
  );

  const refused = await program.run(...beit, "--resume", "--tokenizer", at("others"));
  expect(refused.stderr).toMatch(
    /^partwise: --tokenizer must be as in the run that is resumed, codes \w{64}; got codes \w{64}\.$/m,
  );
  expect(refused.code).toBe(2);
  expect(await program.json(...beit, "--resume", "--tokenizer", at("new/codes"))).toMatchObject({ step: 2 });
  await expectOnlyMeasured(program, at("run"), { method: "beit", step: 2 });
});

test("without a tokenizer a run finds codes of its own, with masks that fit its grid", async () => {
  const own = ["pretrain", "beit", ...PICTURES, ..."--tokens 6 --steps 1 --out".split(" "), at("own")];
  expect(await program.json(...own)).toMatchObject({ step: 1, loss: expect.any(Number) });
  const codes = codesIn(join(at("own"), "checkpoint.safetensors"));
  expect(codes.shape).toEqual([6, 192]);
  expect(new Set(codes.data as Float32Array).size).toBeGreaterThan(192); // the pictures', each another
  const { settings } = JSON.parse(readFileSync(join(at("own"), "checkpoint.json"), "utf8"));
  expect(settings.tokenizer).toBeUndefined();
});

test("DALL-E's encoder is read, planned with, kept by the run, and refused where it is damaged", async () => {
  const encoder = fileURLToPath(new URL("../parity/fixtures/dalle/legacy.pkl", import.meta.url));
  const masks = "--masked-patches 4 --min-block 2".split(" ");
  const cae = ["pretrain", "cae", ...PICTURES, ...masks, ..."--steps 2 --out".split(" "), at("named")];
  await program.json(...cae, "--tokenizer", encoder);
  expect(await program.json(...cae, "--resume")).toMatchObject({ step: 2 });
  const { settings } = JSON.parse(readFileSync(join(at("named"), "checkpoint.json"), "utf8"));
  expect(settings.config.dalle).toEqual({ width: 4, blocksPerGroup: 1, tokens: 8 });
  const planned = await program.json(
    ..."plan cae --model vit_micro_patch8_32 --batch 4".split(" "),
    ...[...masks, "--tokenizer", encoder],
  );
  expect(planned.networks).toBe(3);

  const cut = at("cut.pkl");
  writeFileSync(cut, readFileSync(encoder).subarray(0, 30_000));
  const refused = await program.run(...cae.slice(0, -1), at("other"), "--tokenizer", cut);
  expect(refused.stderr).toMatch(
    /^partwise: \S*cut\.pkl: byte \d+ must begin storage \d+ of \d+ bytes; got the end at 30000\.$/m,
  );
  expect(refused.code).toBe(2);
});
