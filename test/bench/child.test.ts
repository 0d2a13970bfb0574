import { expect, test } from "vitest";
import { answerOf, lastWords, runChild } from "../../bench/measure/child.ts";

const node = (code: string, options = {}) => runChild(process.execPath, ["-e", code], options);

test("the answer of a child is the JSON of its last line", async () => {
  const ended = await node('console.log("hello"); console.log(JSON.stringify({ x: process.env.X }))', {
    env: { X: "1" },
  });
  expect(answerOf("child", ended)).toEqual({ x: "1" });
  expect(() => answerOf("child", { ...ended, stdout: "hello" })).toThrow('JSON; got "hello"');
});

test("a child that fails is quoted", async () => {
  const ended = await node('console.error("step: Error: no memory\\n    at step.ts:1"); process.exit(3)');
  expect(() => answerOf("child", ended)).toThrow("child: must end with status 0; got 3: no memory");
  await expect(runChild("no-such-program", [])).rejects.toThrow("ENOENT");
});

test("the last words are the error without its stack, or the last line", () => {
  expect(lastWords("Warning: a\nops: TypeError: b\n    at c\nWarning: d\n")).toBe("b");
  expect(lastWords("Traceback:\n  File x\nRuntimeError: out of memory\n\n")).toBe(
    "RuntimeError: out of memory",
  );
  expect(lastWords("")).toBe("");
});

test("a child whose time is over is killed with the processes it started", async () => {
  // The grandchild holds the pipes of its parent: without its end the output would never close.
  const endless = "setInterval(() => {}, 1000)";
  const code = `require("node:child_process").spawn(process.execPath, ["-e", "${endless}"], { stdio: "inherit" });
    console.log("started"); ${endless}`;
  const ended = await node(code, { limitMs: 5000 });
  expect(ended).toMatchObject({ late: true, status: null, stdout: "started\n" });
  expect(() => answerOf("child", ended)).toThrow("its time was over");
});
