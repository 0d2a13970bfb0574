// The file of DALL-E's encoder: the published module, a state dict of it, or safetensors of the same names.

import { toFloat32 } from "../data/safetensors.ts";
import type { TensorFile } from "../data/torchFile.ts";
import { type DalleConfig, dalleSpecs } from "../models/dalle.ts";
import { DALLE } from "../models/tokens.ts";

/** The parameter that tells an encoder of DALL-E. */
export const DALLE_FIRST = "blocks.input.w";
const LAST = "blocks.output.conv.w";

/** What a run needs of the encoder. */
export interface Dalle {
  config: DalleConfig;
  /** For `Trainer.ready`. */
  values: Map<string, Float32Array>;
}

/** The encoder in a file. Throws one sentence where it is none, whole, and of numbers. */
export async function readDalle(file: TensorFile): Promise<Dalle> {
  const config = configOf(file);
  const values = new Map<string, Float32Array>();
  const specs = dalleSpecs(config);
  const known = new Set(specs.map(({ name }) => name));
  const foreign = [...file.entries.keys()].find((name) => !known.has(name));
  if (foreign !== undefined) {
    throw new Error(
      `readDalle: an encoder of ${config.blocksPerGroup} blocks in each of 4 groups must hold its parameters alone; got ${foreign}`,
    );
  }
  for (const { name, shape } of specs) {
    const [out, k, , width] = shape as [number, number, number, number];
    const wanted = shape.length === 1 ? shape : [out, width, k, k];
    const found = file.entries.get(name)?.shape;
    if (`${found}` !== `${wanted}`) {
      throw new Error(
        `readDalle: ${name} must have shape [${wanted}] in an encoder of ${config.width} channels; ` +
          `got ${found ? `[${found}]` : "no such tensor"}`,
      );
    }
    const stored = toFloat32(await file.tensor(name));
    const strange = stored.find((value) => !Number.isFinite(value));
    if (strange !== undefined)
      throw new Error(`readDalle: ${name} must be finite; got ${strange}. Is the file damaged?`);
    values.set(`${DALLE}.${name}`, shape.length === 1 ? stored : channelsLast(stored, wanted));
  }
  return { config, values };
}

/** The sizes that a file's shapes say. */
function configOf({ entries }: TensorFile): DalleConfig {
  const width = entries.get(DALLE_FIRST)?.shape[0];
  const tokens = entries.get(LAST)?.shape[0];
  if (width === undefined || tokens === undefined) {
    const names = [...entries.keys()].slice(0, 3).join(", ");
    throw new Error(
      `readDalle: an encoder of DALL-E must hold ${DALLE_FIRST} and ${LAST}; got ${names || "no tensors"}. ` +
        "Give the published encoder.pkl, not the decoder",
    );
  }
  let blocksPerGroup = 0;
  while (entries.has(`blocks.group_1.block_${blocksPerGroup + 1}.res_path.conv_1.w`)) blocksPerGroup++;
  return { width, blocksPerGroup, tokens };
}

/** [out, in, k, k] -> [out, k, k, in] */
function channelsLast(values: Float32Array, [out, width, k]: readonly number[]): Float32Array {
  const area = k! * k!;
  const moved = new Float32Array(values.length);
  for (let o = 0; o < out!; o++)
    for (let c = 0; c < width!; c++)
      for (let p = 0; p < area; p++) {
        moved[(o * area + p) * width! + c] = values[(o * width! + c) * area + p]!;
      }
  return moved;
}
