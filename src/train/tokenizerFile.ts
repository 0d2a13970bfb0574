// The file of a tokenizer: its codes alone, as safetensors, so that several runs predict the same tokens.

import { readSafetensors, writeSafetensors } from "../data/safetensors.ts";
import { CODEBOOK, PATCH_EPS } from "../models/tokenizer.ts";

/** What the file says it is. Codes are of patches of mean 0 and deviation 1, with this added to their variance. */
const METADATA = { format: "partwise tokenizer", patchEps: String(PATCH_EPS) };

/** The codes of a patch, [K, 3 p p]. */
export interface Codebook {
  values: Float32Array<ArrayBuffer>;
  shape: readonly number[];
}

/** Bytes of a tokenizer file. */
export const writeTokenizer = ({ values, shape }: Codebook): Uint8Array<ArrayBuffer> =>
  writeSafetensors(new Map([[CODEBOOK, { dtype: "F32", shape, data: values }]]), METADATA);

/**
 * The codes of a tokenizer file, as `MethodTrainer.ready` takes them. Throws one sentence where the bytes are no such file or
 * the codes are not `tokens` of patches of `patchSize` pixels.
 */
export function readTokenizer(
  bytes: Uint8Array,
  { tokens, patchSize }: { tokens: number; patchSize: number },
): Map<string, Float32Array> {
  const { tensors, metadata } = readSafetensors(bytes);
  const found = tensors.get(CODEBOOK);
  for (const [key, value] of Object.entries(METADATA)) {
    if (found && metadata[key] === value) continue;
    throw new Error(
      `readTokenizer: a tokenizer file must hold ${CODEBOOK} and say ${key} = ${value}; ` +
        `got ${found ? `${metadata[key]}` : [...tensors.keys()].join(", ") || "no tensors"}. ` +
        "Is it a checkpoint, or OpenAI's encoder? Only codes that this program fitted are read",
    );
  }
  const wanted = [tokens, 3 * patchSize * patchSize];
  const { shape, data } = found!;
  if (`${shape}` !== `${wanted}` || !(data instanceof Float32Array)) {
    throw new Error(
      `readTokenizer: ${CODEBOOK} must be ${tokens} codes of patches of ${patchSize} pixels, F32 [${wanted}]; ` +
        `got ${found!.dtype} [${shape}]. Use --tokens ${shape[0]} and the model it was fitted for`,
    );
  }
  if (!data.every(Number.isFinite)) {
    throw new Error(
      `readTokenizer: ${CODEBOOK} must be finite; got ${data.find((x) => !Number.isFinite(x))}. Fit it again`,
    );
  }
  return new Map([[CODEBOOK, data]]);
}
