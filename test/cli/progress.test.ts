import { expect, test, vi } from "vitest";
import { printLine, printWarning } from "../../src/cli/system/output.ts";
import { byteSize, duration, ProgressLine } from "../../src/cli/system/progress.ts";

/** A stream that keeps what is written. */
function fakeStream(isTTY: boolean, columns?: number, written: string[] = []) {
  const write = (text: string) => written.push(text) > 0;
  return { stream: { isTTY, columns, write } as unknown as NodeJS.WriteStream, written };
}

test("a terminal's line is rewritten, and the last text is never lost", () => {
  const { stream, written } = fakeStream(true);
  const line = new ProgressLine(stream);
  for (const text of ["1", "2", "3"]) line.show(text);
  line.end();
  expect(written).toEqual(["\r1\x1b[K", "\r3\x1b[K", "\n"]);
});

test.each([
  [6, "step "],
  [0, "step 12/500"],
])("a terminal of %i columns shows what fits in a line", (columns, shown) => {
  const { stream, written } = fakeStream(true, columns);
  new ProgressLine(stream).show("step 12/500");
  expect(written).toEqual([`\r${shown}\x1b[K`]);
});

test("what is printed, or shown by another, begins a line of its own", () => {
  const written: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => written.push(`${text}`) > 0);
  }
  const line = new ProgressLine(fakeStream(true, 80, written).stream);
  const other = new ProgressLine(fakeStream(true, 80, written).stream);
  line.show("1");
  printWarning("hot");
  line.show("2");
  line.show("3");
  printLine("done");
  printLine("again");
  line.show("4");
  other.show("5");
  other.end();
  vi.restoreAllMocks();
  expect(written.join("")).toBe(
    ["\r1\x1b[K", "warning: hot.", "\r2\x1b[K\r3\x1b[K", "done", "again", "\r4\x1b[K", "\r5\x1b[K", ""].join(
      "\n",
    ),
  );
});

test("elsewhere lines come rarely", () => {
  const { stream, written } = fakeStream(false);
  const line = new ProgressLine(stream);
  line.end();
  for (let i = 1; i <= 100; i++) line.show(`${i}`);
  line.end();
  line.show("next");
  expect(written).toEqual(["1\n", "100\n", "next\n"]);
});

test("durations and sizes read like words", () => {
  expect([0, 59.6, 200, 7500].map(duration)).toEqual(["0 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]);
  expect([0, 512, 1536, 2 ** 30].map(byteSize)).toEqual(["0 bytes", "512 bytes", "1.5 KiB", "1 GiB"]);
});
