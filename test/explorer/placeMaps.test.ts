import { expect, test } from "vitest";
import { placeMaps } from "../../src/explorer/placeMaps.ts";
import { creatures, type Device, type ImageSet, type SavedEncoder } from "../../src/index.ts";

const pictures = creatures({ count: 3, size: 32 });

/** Refused before the device or the encoder is touched. */
const refusalOf = (set: ImageSet): Promise<string> =>
  placeMaps({} as Device, {} as SavedEncoder, set).then(
    () => "none",
    ({ message }: Error) => message,
  );

test("pictures with alpha, or of another size than they say, are refused before anything is read", async () => {
  expect(await refusalOf({ ...pictures, pixels: new Uint8Array(3 * 32 * 32 * 4) })).toBe(
    "creatures-train: pixels [3, 32, 32, 3] need 9216 bytes; got 12288. Are the pictures RGB without alpha?",
  );
  expect(await refusalOf({ ...pictures, count: 4 })).toContain("pixels [4, 32, 32, 3] need 12288 bytes");
});

test("pictures that are not square are refused", async () => {
  const wide = { ...pictures, width: 64, height: 16 };
  expect(await refusalOf(wide)).toBe("placeMaps: pictures must be square; got 64 x 16. Cut them first");
});
