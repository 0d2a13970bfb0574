import { expect, test } from "vitest";
import { GpuError, OutOfMemoryError } from "../../src/engine/gpu/failure.ts";
import { DeviceLostError } from "../../src/index.ts";
import { explain, OF_A_SEARCH, OF_TRAINING_BESIDE } from "../../web/trouble.ts";

const full = new OutOfMemoryError(8, "tensor", { message: "no room" } as GPUError);

test.each([
  ["The graphics device was lost", new DeviceLostError("gone")],
  ["The graphics device refused a command", new GpuError("GPU: invalid")],
  ["The graphics device has no room for this", full],
])(
  "%s: whatever is asked of it fails from then on, and the advice is what helps",
  (title, { name, message }) => {
    expect(explain(name, message)).toEqual({
      title,
      advice: `Reset begins a new run; a smaller batch asks less of the device. The error was: ${message}`,
    });
    expect(explain(name, message, OF_A_SEARCH)).toEqual({
      title,
      advice: `Reload the page to go on. The error was: ${message}`,
    });
    expect(explain(name, message, OF_TRAINING_BESIDE).advice).not.toContain("Reload");
  },
);

test("other errors leave the device as it was, and say themselves what to do", () => {
  expect(explain("Error", "cut.png: premature end", OF_A_SEARCH)).toEqual({
    title: "That did not work",
    advice: "cut.png: premature end",
  });
});
