import { join } from "node:path";
import { expect, test } from "vitest";
import { withProgram } from "./program.ts";

const program = withProgram();
const at = (name: string): string => join(program.folder, name);
const run = (out: string, method: string, ...more: string[]): string[] => [
  ...`pretrain ${method} --data creatures-coat --limit 30 --batch 10 --steps 2 --out`.split(" "),
  at(out),
  ...more,
];

test("a run starts from another's encoder, ends by its accuracy, and goes on without it", async () => {
  await program.json(...run("pretrained", "mae", "--model", "vit_micro_patch8_32"));
  const from = ["--from", at("pretrained")];
  const planned = await program.json(
    ..."plan supervised --data creatures-coat --batch 10".split(" "),
    ...from,
  );
  const tuned = await program.json(...run("tuned", "supervised", ...from, "--layer-decay", "0.75"));
  expect(tuned).toMatchObject({ step: 2, accuracy: { test: 30, chance: 0.05 } });
  expect((tuned.accuracy as { top5: number }).top5).toBeGreaterThanOrEqual(
    (tuned.accuracy as { top1: number }).top1,
  );
  expect(planned).toMatchObject({
    model: "vit_micro_patch8_32",
    networks: 1,
    parameterCount: tuned.parameters,
  });
  const resumed = run("tuned", "supervised", "--resume", "--recipe", "finetune-small");
  expect(await program.json(...resumed)).toMatchObject({ step: 2, accuracy: tuned.accuracy });
  const knn = `eval knn --k 5 --data creatures-coat --limit 20 --checkpoint ${at("tuned")}`.split(" ");
  expect(await program.json(...knn)).toMatchObject({ method: "supervised", model: "vit_micro_patch8_32" });

  const refused: [string[], RegExp][] = [
    [
      [...resumed, ...from],
      /^partwise: --from is for a fresh run: one that is resumed has its encoder with it\.$/m,
    ],
    [
      run("other", "supervised", ...from, "--model", "vit_micro_patch4_32"),
      /^partwise: --model must be that of .*, vit_micro_patch8_32; got vit_micro_patch4_32\. Leave it out\.$/m,
    ],
    [run("other", "supervised", "--from", at("none")), /none: must be a folder of a run or a checkpoint/],
    [run("other", "supervised", ...from, "--image-size", "64"), /cannot be used with option '--image-size/],
    [run("other", "mae", ...from), /unknown option '--from'/],
  ];
  for (const [args, sentence] of refused) {
    const { code, stderr } = await program.run(...args);
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  }
});
