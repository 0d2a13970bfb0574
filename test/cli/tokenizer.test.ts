import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/data/safetensors.ts";
import { CODEBOOK } from "../../src/models/tokenizer.ts";
import { withProgram } from "./program.ts";

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
});
