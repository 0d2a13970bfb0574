// How a camera was held, which phones write into a JPEG file's EXIF data instead of turning the picture.
import type { Picture } from "../src/data/resize.ts";

const SOI = 0xffd8;
const SOS = 0xffda;
const APP1 = 0xffe1;
/** `Exif` and two zeros, behind which a TIFF file begins. */
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
/** The tag of the orientation in TIFF's first directory. */
const ORIENTATION = 0x0112;

/** The orientation of a JPEG file, 1 to 8 as in TIFF 6.0; 1, as it is stored, where none is said or the file is another. */
export function orientationOf(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u16 = (at: number) => (at + 2 <= file.length ? view.getUint16(at) : 0);
  if (u16(0) !== SOI) return 1;
  for (let at = 2; u16(at) > 0xff00 && u16(at) !== SOS; at += 2 + u16(at + 2)) {
    const isExif = u16(at) === APP1 && EXIF.every((byte, i) => file[at + 4 + i] === byte);
    if (isExif) return inTiff(file.subarray(at + 4 + EXIF.length, at + 2 + u16(at + 2)));
  }
  return 1;
}

function inTiff(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const isLittle = tiff[0] === 0x49; // "II", otherwise "MM"
  const u16 = (at: number) => (at + 2 <= tiff.length ? view.getUint16(at, isLittle) : 0);
  const directory = tiff.length >= 8 ? view.getUint32(4, isLittle) : 0;
  for (let i = 0; i < u16(directory); i++) {
    const entry = directory + 2 + 12 * i;
    const value = u16(entry + 8);
    if (u16(entry) === ORIENTATION && value >= 1 && value <= 8) return value;
  }
  return 1;
}

/** A picture as it was seen: x [H, W, 3] -> [H, W, 3], or [W, H, 3] where the camera lay on its side. */
export function upright(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const isTurned = orientation >= 5;
  const isFromRight = [2, 3, 7, 8].includes(orientation);
  const isFromBelow = [3, 4, 6, 7].includes(orientation);
  const [width, height] = isTurned ? [picture.height, picture.width] : [picture.width, picture.height];
  const pixels = new Uint8Array(picture.pixels.length);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const [across, down] = isTurned ? [y, x] : [x, y];
    const left = isFromRight ? picture.width - 1 - across : across;
    const top = isFromBelow ? picture.height - 1 - down : down;
    const from = 3 * (top * picture.width + left);
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = picture.pixels[from + c]!;
  }
  return { width, height, pixels };
}
