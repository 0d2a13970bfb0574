import { readFile } from "node:fs/promises";
import { createDecoder, type Decoder } from "../data/decode.ts";

/** The picture codec with its two WASM files, which the build puts beside the program. */
export async function openDecoder(): Promise<Decoder> {
  const read = (name: string) => readFile(new URL(name, import.meta.url));
  return createDecoder({ jpeg: await read("mozjpeg_dec.wasm"), png: await read("squoosh_png_bg.wasm") });
}
