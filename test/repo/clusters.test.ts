import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { readStudy } from "../../src/cli/study/file.ts";
import { studyCommand } from "../../src/cli/study.ts";
import { cellsOf } from "../../src/study/plan.ts";
import { textOf } from "./files.ts";

const text = textOf("docs/clusters.md");
const commands = [...text.matchAll(/partwise study [^\n`"]*(?:"\$\w+"[^\n`"]*)?/g)].map(([command]) =>
  command.trim().split(/\s+/).slice(2),
);

/** Parses a command line as the program does; gives its file and options and runs nothing. */
function parsed(args: readonly string[]): { file: string; options: Record<string, unknown> } {
  const command = studyCommand().exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  let file = "";
  command.action((name: string) => {
    file = name;
  });
  const number = (arg: string) => (/\$\w*(ARRAY_TASK_ID|COMPLETION_INDEX)/.test(arg) ? "3" : arg);
  command.parse(args.map(number), { from: "user" });
  return { file, options: command.opts() };
}

test("every command of the page is one that the program takes, on a study that it has", async () => {
  expect(commands.length).toBeGreaterThanOrEqual(10);
  const seen = new Set<string>();
  for (const args of commands) {
    const { file, options } = parsed(args);
    expect((await readStudy(file)).name).toBe("small");
    expect(options.out).toBe("/shared/small");
    seen.add(options.cell === undefined ? `only ${options.only}` : "cell");
  }
  expect([...seen].sort()).toEqual(["cell", "only list", "only pictures", "only report"]);
  expect(() => parsed(["small", "--out", "x", "--cells", "3"])).toThrow(/unknown option/);
});

test("the arrays have as many tasks as the study has cells", async () => {
  const cells = cellsOf(await readStudy("small")).length;
  const paper = cellsOf(await readStudy("paper", { data: "x", partsFrom: "y" })).length;
  expect(text).toContain(`\`small\` has\n   ${cells} cells, \`paper\` ${paper}.`);
  expect(text).toContain(`--array=0-${cells - 1}%8`);
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(text)!;
  const document = parseDocument(yaml!);
  expect(document.errors).toEqual([]);
  const { spec } = document.toJS();
  expect([spec.completionMode, spec.completions]).toEqual(["Indexed", cells]);
  expect(spec.template.spec.containers[0].resources.limits["nvidia.com/gpu"]).toBe(1);
});
