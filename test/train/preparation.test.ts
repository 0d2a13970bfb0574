// What a method finds in the run's own pictures before the first step: BEiT's codes, without the trainer knowing of them.

import { afterAll, beforeAll, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/data/safetensors.ts";
import { CODEBOOK } from "../../src/models/tokenizer.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { restore, savedBytes, stateOf } from "./savedFile.ts";

const on = withDevice();
let images: DeviceImages;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
});
afterAll(() => images.dispose());

const trainerOf = (method: "beit" | "cae" = "beit") => new Trainer(on.device, smallRun(method), images);
const codesOf = async ({ trained }: Trainer) => (await trained.get(CODEBOOK).read()) as Float32Array;

test("codes are found before the first step, once, and are the run's own", async () => {
  const trainer = trainerOf();
  const drawn = await codesOf(trainer);
  await trainer.prepare();
  const found = await codesOf(trainer);
  expect(found).not.toEqual(drawn);
  for (let step = 0; step < 3; step++) trainer.run();
  await trainer.ready();
  expect(await codesOf(trainer)).toEqual(found); // not trained, and not found again
  const other = trainerOf("cae");
  await other.ready();
  expect((await codesOf(other)).length).toBe(found.length);
});

test("a run that goes on has the codes of the saved one, whatever its pictures would say now", async () => {
  const first = trainerOf();
  await first.prepare();
  first.run();
  const { tensors, metadata } = readSafetensors(await savedBytes(first));
  const { shape, data } = tensors.get(CODEBOOK)!;
  const marked = (data as Float32Array<ArrayBuffer>).map((value) => value + 1);
  tensors.set(CODEBOOK, { dtype: "F32", shape, data: marked });
  const second = trainerOf();
  await restore(second, { bytes: writeSafetensors(tensors, metadata) });
  await second.prepare();
  expect(await codesOf(second)).toEqual(marked);
});

test("codes may be brought instead; those of another size are refused", async () => {
  const trainer = trainerOf();
  const given = (await codesOf(trainer)).map((_, i) => i);
  await trainer.ready(new Map([[CODEBOOK, given]]));
  await trainer.prepare();
  expect(await codesOf(trainer)).toEqual(given);
  await expect(trainerOf().ready(new Map([[CODEBOOK, given.slice(1)]]))).rejects.toThrow(
    `beit: ${CODEBOOK} must hold ${given.length} values; got ${given.length - 1}. Was it found by another model?`,
  );
});

test("CAE's teacher is what the step before began with, and a bad step copies nothing", async () => {
  const trainer = trainerOf("cae");
  await trainer.prepare();
  trainer.run();
  const one = await stateOf(trainer);
  trainer.run();
  const two = await stateOf(trainer);
  for (const name of ["blocks.0.attn.qkv.weight", "patch_embed.proj.bias", "norm.weight"]) {
    expect(two.tensors.get(`teacher.${name}`)).toEqual(one.tensors.get(name));
    expect(two.tensors.get(name)).not.toEqual(one.tensors.get(name));
  }
  trainer.trained.get("pretext_neck.head.bias").write(new Float32Array(8).fill(Number.NaN));
  trainer.run();
  const three = await stateOf(trainer);
  expect(three.step).toBe(2);
  const teacher = "teacher.blocks.0.attn.qkv.weight";
  expect(three.tensors.get(teacher)).toEqual(two.tensors.get(teacher));
});
