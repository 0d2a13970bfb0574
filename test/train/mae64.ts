// The masked autoencoder in float64, forward and backward: He et al. 2022, arXiv:2111.06377, models_mae.py.
import { type Layer64, patches64 } from "../../bench/reference64/layers64.ts";
import {
  add64,
  Network64,
  type TrunkParts,
  trunk64,
  type Values64,
} from "../../bench/reference64/trunk64.ts";
import { erf64 } from "../erf64.ts";

export interface Mae64 {
  batch: number;
  /** Sides of a picture and of a patch, pixels. */
  image: number;
  patch: number;
  encoder: { width: number; depth: number; heads: number };
  decoder: { width: number; depth: number; heads: number };
  maskRatio: number;
  /** How a patch is normalised: added to its unbiased variance; null leaves pixels as they are. */
  targetEps: number | null;
  /** x/2 (1 + erf(x/√2)) in the paper. */
  gelu: TrunkParts["gelu"];
  /** Drop-path of the encoder. */
  keep?: TrunkParts["keep"];
}

/** x/2 (1 + erf(x/√2)) */
export function gelu64(x: ArrayLike<number>): Layer64<Float64Array> {
  const half = Float64Array.from(x, (value) => 0.5 * (1 + erf64(value / Math.SQRT2)));
  const slope = half.map(
    (share, i) => share + (x[i]! * Math.exp(-(x[i]! ** 2) / 2)) / Math.sqrt(2 * Math.PI),
  );
  return { y: half.map((share, i) => share * x[i]!), backward: (dy) => slope.map((s, i) => s * dy[i]!) };
}

/** What must be predicted: patches, each with mean 0 and unbiased variance 1 (nearly). -> [B · N, p p 3] */
function targets64(images: ArrayLike<number>, config: Mae64): Float64Array {
  const patches = patches64(images, config, "last");
  const { targetEps, patch } = config;
  const n = 3 * patch * patch;
  if (targetEps === null) return patches;
  for (let start = 0; start < patches.length; start += n) {
    const row = patches.subarray(start, start + n);
    const mean = row.reduce((sum, value) => sum + value / n, 0);
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2 / (n - 1), 0);
    for (let i = 0; i < n; i++) row[i] = (row[i]! - mean) / Math.sqrt(variance + targetEps);
  }
  return patches;
}

/** Rows of `width` values: those of `y` at the indices. */
function rowsOf(y: Float64Array, indices: readonly number[], width: number): Float64Array {
  const rows = new Float64Array(indices.length * width);
  for (const [i, at] of indices.entries()) rows.set(y.subarray(at * width, (at + 1) * width), i * width);
  return rows;
}

/** The way back of `rowsOf`, and a sum where an index comes twice. -> [count, width] */
function spread(dy: Float64Array, indices: readonly number[], width: number, count: number): Float64Array {
  const dx = new Float64Array(count * width);
  for (const [i, at] of indices.entries()) {
    for (let j = 0; j < width; j++) dx[at * width + j]! += dy[i * width + j]!;
  }
  return dx;
}

/** images [B, H, W, 3] and noise [B, N]: the patches with the least noise stay. -> loss and gradients by name. */
export function mae64(
  weights: Values64,
  config: Mae64,
  images: ArrayLike<number>,
  noise: ArrayLike<number>,
): { loss: number; gradients: Values64 } {
  const { batch, image, patch, encoder, decoder, maskRatio, gelu, keep } = config;
  const [n, pixels] = [(image / patch) ** 2, 3 * patch * patch];
  const kept = Math.floor(n * (1 - maskRatio));
  const network = new Network64(weights);
  const samples = Array.from({ length: batch }, (_, b) => b);
  const order = samples.map((b) =>
    Array.from({ length: n }, (_, i) => i).sort((i, j) => noise[b * n + i]! - noise[b * n + j]!),
  );
  const visible = order.map((patches) => patches.slice(0, kept));

  // Rows of the encoder's input, by where they come from: the class token is row 0 of a table, patch i of picture b
  // row 1 + b n + i.
  const embed = network.linear(
    patches64(images, config),
    "patch_embed.proj",
    batch * n,
    encoder.width,
    pixels,
  );
  const encoderTable = concat64(network.get("cls_token"), embed.y);
  const entering = samples.flatMap((b) => [0, ...visible[b]!.map((i) => 1 + b * n + i)]);
  const encoderPlaces = samples.flatMap((b) => [0, ...visible[b]!.map((i) => 1 + i)]);
  const encoded = trunk64(
    network,
    add64(
      rowsOf(encoderTable, entering, encoder.width),
      rowsOf(network.get("pos_embed"), encoderPlaces, encoder.width),
    ),
    { batch, tokens: 1 + kept, ...encoder },
    { names: { blocks: "blocks", norm: "norm" }, gelu, ...(keep ? { keep } : {}) },
  );

  // Rows of the decoder's input: row 0 of the table is the mask token, then come the encoder's rows.
  const inner = network.linear(encoded.y, "decoder_embed", batch * (1 + kept), decoder.width, encoder.width);
  const decoderTable = concat64(network.get("mask_token"), inner.y);
  const sources = samples.flatMap((b) => {
    const start = 1 + b * (1 + kept);
    const rank = (i: number) => visible[b]!.indexOf(i);
    return [start, ...Array.from({ length: n }, (_, i) => (rank(i) < 0 ? 0 : start + 1 + rank(i)))];
  });
  const places = samples.flatMap(() => Array.from({ length: 1 + n }, (_, t) => t));
  const decoded = trunk64(
    network,
    add64(
      rowsOf(decoderTable, sources, decoder.width),
      rowsOf(network.get("decoder_pos_embed"), places, decoder.width),
    ),
    { batch, tokens: 1 + n, ...decoder },
    { names: { blocks: "decoder_blocks", norm: "decoder_norm" }, gelu },
  );
  const patchRows = samples.flatMap((b) => Array.from({ length: n }, (_, i) => b * (1 + n) + 1 + i));
  const withoutClass = rowsOf(decoded.y, patchRows, decoder.width);
  const pred = network.linear(withoutClass, "decoder_pred", batch * n, pixels, decoder.width);

  const targets = targets64(images, config);
  const removed = batch * (n - kept);
  const isRemoved = (at: number): boolean => {
    const row = Math.floor(at / pixels);
    return !visible[Math.floor(row / n)]!.includes(row % n);
  };
  const errors = pred.y.map((value, at) => (isRemoved(at) ? value - targets[at]! : 0));
  const loss = errors.reduce((sum, error) => sum + error ** 2, 0) / pixels / removed;

  const dpred = errors.map((error) => (2 * error) / pixels / removed);
  const ddecoded = spread(pred.backward(dpred), patchRows, decoder.width, batch * (1 + n));
  const ddecoderTable = spread(decoded.backward(ddecoded), sources, decoder.width, 1 + batch * (1 + kept));
  const dencoded = inner.backward(ddecoderTable.slice(decoder.width));
  const dencoderTable = spread(encoded.backward(dencoded), entering, encoder.width, 1 + batch * n);
  embed.backward(dencoderTable.slice(encoder.width));
  network.gradients.set("mask_token", ddecoderTable.slice(0, decoder.width));
  network.gradients.set("cls_token", dencoderTable.slice(0, encoder.width));
  return { loss, gradients: network.gradients };
}

const concat64 = (a: Float64Array, b: Float64Array): Float64Array => Float64Array.of(...a, ...b);
