import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { grayPng, plainPng } from "./png.ts";
import { withProgram } from "./program.ts";

const program = withProgram();

test("partwise eval segmentation of a folder of masks gives a table of classes; the pixels themselves tell its colours apart", async () => {
  const folder = join(program.folder, "masks");
  const write = (name: string, bytes: Uint8Array | string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  };
  const colours = [
    [230, 20, 20],
    [20, 20, 230],
  ] as const;
  write("classes.txt", "1 wheel\n2 door\n3 roof\n");
  for (const split of ["train", "val"]) {
    for (let i = 0; i < 4; i++) {
      write(`images/${split}/${i}.png`, plainPng(16, 16, colours[i % 2]!));
      const mask = Array.from({ length: 256 }, (_, at) => (at < 32 ? 0 : 1 + (i % 2)));
      write(`masks/${split}/${i}.png`, grayPng(16, mask));
    }
  }
  const flags = `--pixels --data ${folder} --data-size 16 --updates 40 --rate 0.02`.split(" ");
  const { code, stdout, stderr } = await program.run("eval", "segmentation", ...flags);
  expect(code, stderr).toBe(0);
  expect(stdout.split("\n")).toEqual([
    "class   IoU %   acc %  of pixels %",
    "wheel  100.00  100.00        50.00",
    "door   100.00  100.00        50.00",
    "roof        -       -         0.00",
    "segmentation, 40 updates: mIoU 100.00 %, mAcc 100.00 %, aAcc 100.00 %",
    "always the most frequent class: mIoU 25.00 %, mAcc 50.00 %, aAcc 50.00 %",
    "",
  ]);
});
