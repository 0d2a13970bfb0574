// The file of a tokenizer: its codes alone, as safetensors, so that several runs predict the same tokens.

import { readSafetensors, writeSafetensors } from "../data/safetensors.ts";
import { CODEBOOK, PATCH_EPS } from "../models/tokenizer.ts";

/** What the file says it is. Codes are of patches of mean 0 and deviation 1, with this added to their variance. */
const metadataOf = () => ({ format: "partwise tokenizer", patchEps: String(PATCH_EPS) });

/** The codes of a patch, [K, 3 p p]. */
export interface Codebook {
  values: Float32Array<ArrayBuffer>;
  shape: readonly number[];
}

/** Bytes of a tokenizer file. */
export const writeTokenizer = ({ values, shape }: Codebook): Uint8Array<ArrayBuffer> =>
  writeSafetensors(new Map([[CODEBOOK, { dtype: "F32", shape, data: values }]]), metadataOf());

/**
 * The codes of a tokenizer file, [tokens, 3 p p]. Throws one sentence where the bytes are no such file or the codes are not of
 * RGB patches of `patchSize` pixels, or not `tokens` where that is given.
 */
export function readTokenizer(
  bytes: Uint8Array,
  { tokens, patchSize }: { tokens?: number; patchSize: number },
): Codebook {
  const { tensors, metadata } = readSafetensors(bytes);
  const found = tensors.get(CODEBOOK);
  for (const [key, value] of Object.entries(metadataOf())) {
    if (found && metadata[key] === value) continue;
    throw new Error(
      `readTokenizer: a tokenizer file must hold ${CODEBOOK} and say ${key} = ${value}; ` +
        `got ${found ? `${metadata[key]}` : [...tensors.keys()].join(", ") || "no tensors"}. ` +
        "Is it a checkpoint, or OpenAI's encoder? Only codes that this program fitted are read",
    );
  }
  const { shape, data, dtype } = found!;
  const length = 3 * patchSize * patchSize;
  if (shape.length !== 2 || shape[0]! < 2 || shape[1] !== length || !(data instanceof Float32Array)) {
    throw new Error(
      `readTokenizer: ${CODEBOOK} must be codes of RGB patches of ${patchSize} x ${patchSize} pixels, F32 [tokens, ${length}]; ` +
        `got ${dtype} [${shape.join(", ")}]. Use a model of the patches it was fitted for, or fit one for this model`,
    );
  }
  if (tokens !== undefined && shape[0] !== tokens) {
    throw new Error(
      `readTokenizer: ${CODEBOOK} must have ${tokens} codes; got ${shape[0]}. Leave --tokens out, or give --tokens ${shape[0]}`,
    );
  }
  if (!data.every(Number.isFinite)) {
    throw new Error(
      `readTokenizer: ${CODEBOOK} must be finite; got ${data.find((x) => !Number.isFinite(x))}. Fit it again`,
    );
  }
  return { values: data, shape };
}
