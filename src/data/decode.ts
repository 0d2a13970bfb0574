/**
 * JPEG and PNG files to RGB, with one WASM codec for Node and browsers so that the pixels agree to the bit.
 * The platform reads the two .wasm files and hands over their bytes; nothing is fetched here.
 * Colours follow Pillow's `convert("RGB")`: gray is repeated, alpha is dropped, CMYK is multiplied with black.
 * EXIF orientation is ignored, as in Pillow.
 */
import createMozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import initPng, { decode as decodePng } from "@jsquash/png/codec/pkg/squoosh_png.js";
import { decodeCmykJpeg } from "./cmykJpeg.ts";
import type { Picture } from "./resize.ts";

/** Contents of the codec's two WASM files, as the platform read them. */
export interface CodecBytes {
  /** @jsquash/jpeg/codec/dec/mozjpeg_dec.wasm */
  jpeg: Uint8Array;
  /** @jsquash/png/codec/pkg/squoosh_png_bg.wasm */
  png: Uint8Array;
}

/** Decodes one file; `name` is used in errors. -> pixels [height, width, 3] */
export type Decoder = (name: string, file: Uint8Array) => Picture;

/** What the codecs give back: the ImageData of the platform, pixels [height, width, 4]. */
interface RgbaPicture {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

interface JpegModule {
  decode(file: Uint8Array, preserveOrientation: boolean): RgbaPicture | null;
}

type JpegFactory = (options: {
  noInitialRun: boolean;
  wasmBinary: Uint8Array;
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<JpegModule>;

/**
 * Prepares the codec. Decoding is synchronous afterwards.
 * A file that is cut, damaged or of another format throws an error that names it.
 */
export async function createDecoder(codec: CodecBytes): Promise<Decoder> {
  const messages: string[] = [];
  const note = (line: string) => {
    messages.push(line);
  };
  const jpeg = await (createMozjpeg as unknown as JpegFactory)({
    noInitialRun: true,
    wasmBinary: codec.jpeg,
    print: note,
    printErr: note,
  });
  await initPng(codec.png);

  const decodeJpeg = (name: string, file: Uint8Array): Picture => {
    if (jpegComponents(file) === 4) return decodeCmykJpeg(name, file);
    messages.length = 0;
    let picture: RgbaPicture | null = null;
    try {
      picture = jpeg.decode(file, false);
    } catch (cause) {
      throw damaged(name, file, "JPEG", messages.join("; ") || String(cause), cause);
    }
    const loss = messages.find((line) => !isHarmless(line));
    if (!picture || loss !== undefined) throw damaged(name, file, "JPEG", loss ?? "no picture");
    return dropAlpha(picture);
  };

  return (name, file) => {
    if (file[0] === 0xff && file[1] === 0xd8) return decodeJpeg(name, file);
    if (file[0] === 0x89 && file[1] === 0x50) {
      try {
        return dropAlpha(decodePng(file) as unknown as RgbaPicture);
      } catch (cause) {
        throw damaged(name, file, "PNG", "the codec refused it", cause);
      }
    }
    const start = Array.from(file.subarray(0, 4), (b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new Error(
      `decode: ${name} must be a JPEG or PNG file; got ${file.length} bytes that start with ` +
        `${start || "nothing"}. Convert it, or leave it out.`,
    );
  };
}

/** libjpeg's remarks that cost no pixels; everything else it says means that part of the picture is made up. */
const isHarmless = (line: string): boolean =>
  /extraneous bytes before marker|unknown JFIF revision|Unknown Adobe color transform/i.test(line);

function damaged(name: string, file: Uint8Array, format: string, reason: string, cause?: unknown): Error {
  return new Error(
    `decode: ${name} must be a whole ${format} file; got ${file.length} bytes with "${reason}". ` +
      "Fetch the file again, or leave it out.",
    { cause },
  );
}

/** Colour components in a JPEG's frame header; 0 where there is none. */
function jpegComponents(file: Uint8Array): number {
  let at = 2;
  while (at + 9 < file.length && file[at] === 0xff) {
    const marker = file[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return file[at + 9]!;
    if (marker === 0xff) at += 1;
    else at += 2 + file[at + 2]! * 256 + file[at + 3]!;
  }
  return 0;
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
