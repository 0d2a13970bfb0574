import { expect, test } from "vitest";
import { withProgram } from "./program.ts";

const program = withProgram();
const plan = (line: string) => program.run("plan", "mae", ...line.split(" "));

test("partwise plan mae says what a run needs, without training it", async () => {
  const { code, stdout, stderr } = await plan("--model vit_micro_patch4_32 --batch 16 --data creatures");
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^mae vit_micro_patch4_32, 16 pictures a step; fits /);
  for (const row of [
    /^parameters +2 MiB: 522256 values$/m,
    /^gradients +1\.\d+ MiB$/m,
    /^optimiser +3\.\d+ MiB: two moments$/m,
    /^activations +[\d.]+ MiB planned, [\d.]+ MiB alive at once$/m,
    /^pictures +12 MiB: 4096 of 32 x 32 \(creatures-train\)$/m,
    /^total +[\d.]+ MiB$/m,
    /^binding +[\d.]+ MiB of [\d.]+ [MG]iB \(\w+\)$/m,
    /^step +\d+ dispatches of \d+ kernels$/m,
    /^arithmetic +0\.\d+ GFLOP a picture$/m,
  ]) {
    expect(stdout).toMatch(row);
  }
});

test("--json gives bytes; --grad-checkpointing needs fewer", async () => {
  const command = "plan mae --model vit_small_patch16_224 --image-size 112 --batch 8".split(" ");
  const kept = await program.json(...command);
  const saved = await program.json(...command, "--grad-checkpointing");
  expect(kept).toMatchObject({ command: "plan mae", fits: true, batchSize: 8, data: null });
  expect(kept.activations).toBeGreaterThanOrEqual(kept.lowerBound as number);
  expect(kept.optimizer).toBe(2 * (kept.gradients as number));
  expect(saved).toMatchObject({ gradCheckpointing: true, parameters: kept.parameters });
  expect(saved.activations).toBeLessThan(0.5 * (kept.activations as number));
});

test("a batch that cannot fit ends with 2 and the largest that does, and pretrain says the same", async () => {
  const model = "--model vit_micro_patch16_224 --batch 4000";
  const refused = await plan(model);
  expect(refused.code).toBe(2);
  const [, sentence, largest] =
    /^partwise: (--batch 4000 does not fit: \w+: .*; got .*\. The largest batch that fits is (\d+))\.$/m.exec(
      refused.stderr,
    ) ?? [];
  expect(sentence, refused.stderr).toBeDefined();
  expect((await plan(model.replace("4000", largest!))).code).toBe(0);
  expect((await plan(model.replace("4000", String(Number(largest) + 1)))).code).toBe(2);

  const data = "--data creatures --data-size 8 --limit 4000 --steps 1 --out".split(" ");
  const run = await program.run("pretrain", "mae", ...model.split(" "), ...data, `${program.folder}/out`);
  expect(run.code).toBe(2);
  expect(run.stderr).toContain(`partwise: ${sentence}`);
});
