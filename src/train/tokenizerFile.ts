// The file of a tokenizer, so that several runs predict the same tokens: codes alone, as safetensors, or DALL-E's encoder.

import { readSafetensors, type StoredTensor, writeSafetensors } from "../data/safetensors.ts";
import { type ByteSource, openSafetensors } from "../data/safetensorsFile.ts";
import { isTorchFile, openTorchFile, type TensorFile } from "../data/torchFile.ts";
import { CODEBOOK, PATCH_EPS } from "../models/tokenizer.ts";
import type { TokenConfig } from "../models/tokens.ts";
import { DALLE_FIRST, readDalle } from "./dalleFile.ts";

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

/** Whether `writeTokenizer` wrote a file, whatever codes are in it. */
export async function isTokenizer(source: ByteSource): Promise<boolean> {
  try {
    return (await openSafetensors(source)).metadata.format === metadataOf().format;
  } catch {
    return false; // no safetensors
  }
}

/** What a tokenizer is asked to be: of patches of a size, and of so many tokens where that is given. */
export interface TokenizerWanted {
  tokens?: number;
  patchSize: number;
}

/** What a run needs of a tokenizer. */
export interface GivenTokens {
  /** For the method's settings. */
  config: TokenConfig;
  /** For `Trainer.ready`. */
  values: Map<string, Float32Array>;
}

/**
 * The tokenizer in a file: codes, or DALL-E's encoder. Throws one sentence where it is neither, or not what is wanted. An
 * encoder's tokens are of any patches, since it sees pictures of 8 pixels for each.
 */
export async function openTokenizer(source: ByteSource, wanted: TokenizerWanted): Promise<GivenTokens> {
  if (isTorchFile(await source.read(0, Math.min(4, source.size)))) {
    return dalleIn(await openTorchFile(source), wanted);
  }
  const file = await openSafetensors(source);
  if (file.entries.has(DALLE_FIRST)) return dalleIn(file, wanted);
  const found = file.entries.has(CODEBOOK) ? await file.tensor(CODEBOOK) : undefined;
  const { values, shape } = codesIn(found, file, wanted);
  return { config: { tokens: shape[0]! }, values: new Map([[CODEBOOK, values]]) };
}

async function dalleIn(file: TensorFile, wanted: TokenizerWanted): Promise<GivenTokens> {
  const { config, values } = await readDalle(file);
  checkCount("the encoder", config.tokens, wanted);
  return { config: { tokens: config.tokens, dalle: config }, values };
}

/**
 * The codes of a tokenizer file, [tokens, 3 p p]. Throws one sentence where the bytes are no such file or the codes are not of
 * RGB patches of `patchSize` pixels, or not `tokens` where that is given.
 */
export function readTokenizer(bytes: Uint8Array, wanted: TokenizerWanted): Codebook {
  const { tensors, metadata } = readSafetensors(bytes);
  return codesIn(tensors.get(CODEBOOK), { entries: tensors, metadata }, wanted);
}

/** The codes `found` in a file that says what it is. */
function codesIn(
  found: StoredTensor | undefined,
  {
    entries,
    metadata,
  }: { entries: ReadonlyMap<string, unknown>; metadata: Readonly<Record<string, string>> },
  wanted: TokenizerWanted,
): Codebook {
  const { patchSize } = wanted;
  for (const [key, value] of Object.entries(metadataOf())) {
    if (found && metadata[key] === value) continue;
    throw new Error(
      `readTokenizer: a tokenizer file must hold ${CODEBOOK} and say ${key} = ${value}; ` +
        `got ${found ? `${metadata[key]}` : [...entries.keys()].slice(0, 3).join(", ") || "no tensors"}. ` +
        "Give a file of `partwise tokenizer`, or DALL-E's encoder",
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
  checkCount(CODEBOOK, shape[0]!, wanted);
  if (!data.every(Number.isFinite)) {
    throw new Error(
      `readTokenizer: ${CODEBOOK} must be finite; got ${data.find((x) => !Number.isFinite(x))}. Fit it again`,
    );
  }
  return { values: data, shape };
}

function checkCount(what: string, count: number, { tokens }: TokenizerWanted): void {
  if (tokens === undefined || tokens === count) return;
  throw new Error(
    `readTokenizer: ${what} must have ${tokens} tokens; got ${count}. Leave --tokens out, or give --tokens ${count}`,
  );
}
