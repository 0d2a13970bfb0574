/**
 * JPEG, PNG and WebP files to RGB, by the same code and WASM in Node and browsers, so that the pixels agree to the bit.
 * The platform reads the .wasm files and hands over their bytes; nothing is fetched here.
 * Colours follow Pillow's `convert("RGB")`: gray is repeated, alpha is dropped, CMYK is multiplied with black.
 * EXIF orientation is ignored, as in Pillow.
 */
import createMozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import createWebp from "@jsquash/webp/codec/dec/webp_dec.js";
import { decodeCmykJpeg } from "./cmykJpeg.ts";
import { openWasmCodec, type RgbaPicture, type WasmCodec } from "./decodeWasm.ts";
import { describeForeign } from "./foreignFormat.ts";
import { cleanJpeg, readJpeg } from "./jpegFile.ts";
import { PictureFile } from "./pictureFile.ts";
import { decodePng } from "./png.ts";
import type { Picture } from "./resize.ts";
import { checkWebp } from "./webpFile.ts";

/** Contents of the codecs' WASM files, as the platform read them: they are the package's exports. PNG needs none. */
export interface CodecBytes {
  /** Of `partwise/mozjpeg_dec.wasm`. */
  jpeg: Uint8Array;
  /** Of `partwise/webp_dec.wasm`. */
  webp: Uint8Array;
}

/** Decodes one file; `name` is used in errors. -> pixels [height, width, 3] */
export type Decoder = (name: string, file: Uint8Array) => Picture;

/**
 * Prepares the codecs. Decoding is synchronous afterwards.
 * A file that is cut, damaged, too large or of another format throws an error that names it, and leaves nothing behind.
 */
export async function createDecoder(codec: CodecBytes): Promise<Decoder> {
  const jpeg = await openWasmCodec(createMozjpeg, codec.jpeg, false);
  const webp = await openWasmCodec(createWebp, codec.webp);
  return (name, bytes) => {
    const starts = (text: string, at = 0): boolean =>
      [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
    const file = (format: string): PictureFile => new PictureFile(name, bytes, format);
    if (starts("\xff\xd8")) return decodeJpeg(file("JPEG"), jpeg);
    if (starts("\x89PNG")) return decodePng(file("PNG"));
    if (starts("RIFF") && starts("WEBP", 8)) return decodeWebp(file("WebP"), webp);
    throw new Error(`decode: ${name} must be a JPEG, PNG or WebP file; got ${describeForeign(bytes)}`);
  };
}

/** Cleaned of all that has no pixels, a whole file gives libjpeg nothing to remark on: what it says is a loss. */
function decodeJpeg(file: PictureFile, codec: WasmCodec): Picture {
  const jpeg = readJpeg(file);
  if (jpeg.frame.components.length === 4) return decodeCmykJpeg(jpeg);
  const { picture, remarks } = codec(cleanJpeg(jpeg));
  if (!picture || remarks.length > 0) return file.fail(remarks.join("; ") || "no picture");
  return dropAlpha(picture);
}

function decodeWebp(file: PictureFile, codec: WasmCodec): Picture {
  checkWebp(file);
  const { picture, remarks } = codec(file.bytes);
  return picture ? dropAlpha(picture) : file.fail(remarks.join("; ") || "damaged data");
}

/** pixels [H, W, 4] -> [H, W, 3] */
function dropAlpha({ width, height, data }: RgbaPicture): Picture {
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    pixels[to] = data[from]!;
    pixels[to + 1] = data[from + 1]!;
    pixels[to + 2] = data[from + 2]!;
  }
  return { width, height, pixels };
}
