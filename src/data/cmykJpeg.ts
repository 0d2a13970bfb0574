/** Four-component JPEGs (CMYK, YCCK), which the WASM codec refuses, to RGB. A few ImageNet files are like that. */
import { readCoefficients } from "./jpegCoefficients.ts";
import type { JpegFile } from "./jpegFile.ts";
import { componentSamples, limit } from "./jpegSamples.ts";
import type { Picture } from "./resize.ts";

/**
 * Decodes a JPEG of four components -> pixels [height, width, 3], equal to Pillow's `convert("RGB")` to the byte.
 * Inks are stored inverted, with Adobe's marker and without it: nobody writes others, so Pillow and browsers say.
 */
export function decodeCmykJpeg(jpeg: JpegFile): Picture {
  const { frame, adobeTransform } = jpeg;
  const planes = readCoefficients(jpeg);
  const samples = frame.components.map((component, i) => componentSamples(frame, component, planes[i]!));
  const [first, second, third, black] = samples as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  if (adobeTransform !== undefined && adobeTransform !== 0) yccToCmy(first, second, third);
  const pixels = new Uint8Array(frame.width * frame.height * 3);
  for (let i = 0; i < black.length; i++) {
    const light = black[i]!;
    for (let c = 0; c < 3; c++)
      pixels[3 * i + c] = light - Math.round(((255 - samples[c]![i]!) * light) / 255);
  }
  return { width: frame.width, height: frame.height, pixels };
}

/** Y, Cb, Cr -> C, M, Y as stored, in place: libjpeg's ycck_cmyk_convert, 255 - RGB in 16-bit fixed point. */
function yccToCmy(first: Uint8Array, second: Uint8Array, third: Uint8Array): void {
  for (let i = 0; i < first.length; i++) {
    const [y, cb, cr] = [first[i]!, second[i]! - 128, third[i]! - 128];
    first[i] = limit(255 - (y + ((91881 * cr + 32768) >> 16)));
    second[i] = limit(255 - (y + ((-22554 * cb - 46802 * cr + 32768) >> 16)));
    third[i] = limit(255 - (y + ((116130 * cb + 32768) >> 16)));
  }
}
