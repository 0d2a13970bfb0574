import { expect, test } from "vitest";
import { byteSize, duration, ProgressLine } from "../../src/cli/system/progress.ts";

/** A stream that keeps what is written. */
function fakeStream(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream;
  return { stream, written };
}

test("a terminal's line is rewritten, and the last text is never lost", () => {
  const { stream, written } = fakeStream(true);
  const line = new ProgressLine(stream);
  for (const text of ["1", "2", "3"]) line.show(text);
  line.end();
  expect(written).toEqual(["\r1\x1b[K", "\r3\x1b[K", "\n"]);
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
