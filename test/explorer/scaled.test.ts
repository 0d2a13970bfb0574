import { afterEach, expect, test, vi } from "vitest";
import { scaled } from "../../src/explorer/scaled.ts";
import { creatures, pictureAt, resizePicture } from "../../src/index.ts";

afterEach(() => vi.restoreAllMocks());

const pictures = creatures({ count: 4, size: 48 });

/** Every look at the clock finds that much time has passed, so that the page has its turn after each picture. */
function slowly(): void {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += 1000));
}

test("every picture is resampled, and those of the size are themselves", async () => {
  const small = await scaled(pictures, 32);
  expect([small.width, small.height, small.count]).toEqual([32, 32, 4]);
  for (let i = 0; i < 4; i++) {
    expect(pictureAt(small, i).pixels).toEqual(resizePicture(pictureAt(pictures, i), 32, 32).pixels);
  }
  expect(await scaled(pictures, 48)).toBe(pictures);
});

test("a page has its turn between two pictures", async () => {
  slowly();
  const turns = vi.fn();
  const waiting = vi.spyOn(globalThis, "setTimeout");
  const done = scaled(pictures, 32);
  setTimeout(turns);
  await done;
  expect(turns).toHaveBeenCalled();
  expect(waiting.mock.calls.length).toBe(4 + 1); // before each of the four, and the test's own
});

test("a signal ends it before the next picture", async () => {
  slowly();
  const ending = new AbortController();
  const done = scaled(pictures, 32, { signal: ending.signal });
  ending.abort(new Error("enough"));
  await expect(done).rejects.toThrow("enough");
});
