import { join } from "node:path";
import { expect, test } from "vitest";
import { withProgram } from "./program.ts";

const program = withProgram();
const at = (name: string): string => join(program.folder, name);
const run = (out: string, method: string, data = "creatures-coat", ...more: string[]): string[] => [
  ...`pretrain ${method} --data ${data} --limit 8 --model vit_micro_patch8_32 --batch 4 --steps 2 --out`.split(
    " ",
  ),
  at(out),
  ...more,
];

test("a run learns from a teacher, keeps it, and is evaluated without it; a teacher of no use is named", async () => {
  const { parameters: alone } = await program.json(...run("teacher", "supervised"));
  const student = run("student", "supervised", "creatures-coat", "--distill", at("teacher"));
  const { parameters } = await program.json(...student);
  const [width, patches, classes] = [96, 16, 20];
  const twice = 2 * width + width * classes + classes; // a token, its position, a head
  expect(patches).toBe((32 / 8) ** 2);
  expect((parameters as number) - (alone as number)).toBe(twice);

  const plan = "plan supervised --model vit_micro_patch8_32 --batch 4 --distill".split(" ");
  const planned = await program.json(...plan, at("teacher")); // of pictures of its classes
  expect(planned).toMatchObject({ networks: 2, parameterCount: (parameters as number) + (alone as number) });

  const resumed = run("student", "supervised", "creatures-coat", "--resume");
  expect(await program.json(...resumed)).toMatchObject({ step: 2 });
  const refused = await program.run(...resumed, "--distill", at("teacher"));
  expect([refused.code, refused.stderr]).toEqual([
    2,
    "partwise: --distill is for a fresh run: one that is resumed has its teacher with it.\n",
  ]);

  const measured = `eval knn --data creatures-coat --limit 20 --checkpoint ${at("student")}`.split(" ");
  expect((await program.json(...measured)).command).toBe("eval knn");

  const other = await program.run(...run("other", "supervised", "creatures", "--distill", at("teacher")));
  expect(other.code).toBe(2);
  expect(other.stderr).toContain(
    `partwise: ${at("teacher")}: a teacher must tell the 10 classes of the run's pictures apart; it tells 20 (creatures-coat-train). Train it on the same set.\n`,
  );
});
