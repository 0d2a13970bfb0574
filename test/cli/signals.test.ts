import { afterEach, expect, test, vi } from "vitest";
import { stopOnSignals } from "../../src/cli/system/signals.ts";

let stop: ReturnType<typeof stopOnSignals>;
const onFirst = vi.fn();
const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);

function send(...signals: NodeJS.Signals[]): void {
  onFirst.mockClear();
  exit.mockClear();
  stop = stopOnSignals(onFirst);
  for (const signal of signals) process.emit(signal);
}
afterEach(() => stop.release());

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s asks to stop, once", (signal) => {
  send(signal);
  expect(stop.requested).toBe(true);
  expect(onFirst.mock.calls).toEqual([[signal]]);
  expect(exit).not.toHaveBeenCalled();
});

test("a terminal that closes, whoever tells of it again, leaves the time to save", () => {
  send("SIGHUP", "SIGHUP", "SIGTERM", "SIGHUP");
  expect(onFirst).toHaveBeenCalledTimes(1);
  expect(exit).not.toHaveBeenCalled();
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("a second %s does not wait", (signal, status) => {
  send(signal, signal);
  expect(exit).toHaveBeenCalledWith(status);
});

test("released signals are nobody's", () => {
  const before = process.listenerCount("SIGTERM");
  send();
  expect(process.listenerCount("SIGTERM")).toBe(before + 1);
  stop.release();
  expect(process.listenerCount("SIGTERM")).toBe(before);
});
