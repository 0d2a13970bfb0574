import { readFile } from "node:fs/promises";
import { createDecoder, type Decoder } from "../../data/decode.ts";

/** The picture codecs with their WASM files, which the build puts beside the program. */
export async function openDecoder(): Promise<Decoder> {
  const read = (name: string) => readFile(new URL(name, import.meta.url));
  return createDecoder({ jpeg: await read("mozjpeg_dec.wasm"), webp: await read("webp_dec.wasm") });
}
