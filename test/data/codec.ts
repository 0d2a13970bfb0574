/** The picture codec as Node supplies it: the two WASM files from the installed packages. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createDecoder, type Decoder } from "../../src/data/decode.ts";

const require = createRequire(import.meta.url);
const bytesOf = (file: string): Uint8Array => readFileSync(require.resolve(file));

export const openDecoder = (): Promise<Decoder> =>
  createDecoder({
    jpeg: bytesOf("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    png: bytesOf("@jsquash/png/codec/pkg/squoosh_png_bg.wasm"),
  });
