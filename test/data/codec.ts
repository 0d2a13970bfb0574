/** The picture decoder with the codecs of the installed packages, in Node and in the browser. */
import jpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?bytes";
import webp from "@jsquash/webp/codec/dec/webp_dec.wasm?bytes";
import { createDecoder, type Decoder } from "../../src/data/decode.ts";

export const openDecoder = (): Promise<Decoder> => createDecoder({ jpeg, webp });
