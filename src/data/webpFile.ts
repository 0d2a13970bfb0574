import type { PictureFile } from "./pictureFile.ts";

/**
 * Checks the container of a WebP file (RIFF, RFC 9649) without decoding it: all of it is there, it holds one picture,
 * and one of a size that can be.
 */
export function checkWebp(file: PictureFile): void {
  const u16 = (at: number): number => file.u8(at) + 256 * file.u8(at + 1);
  const u32 = (at: number): number => u16(at) + 65536 * u16(at + 2);
  const end = 8 + u32(4);
  if (end > file.bytes.length) file.fail(`premature end of file: its header says ${end} bytes`);
  for (let at = 12; at + 8 <= end; at += 8 + u32(at + 4) + (u32(at + 4) & 1)) {
    const type = file.text(at, 4);
    const from = at + 8;
    if (type === "VP8X" && file.u8(from) & 2) file.refuse("one picture", "an animation");
    if (type === "VP8 ") {
      file.checkSize(u16(from + 6) & 0x3fff, u16(from + 8) & 0x3fff);
      return;
    }
    if (type === "VP8L") {
      const bits = u32(from + 1);
      file.checkSize((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
      return;
    }
  }
  file.fail("no picture data");
}
