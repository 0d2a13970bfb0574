import { Random } from "../engine/random.ts";

/** First values of a network's parameters. Each parameter draws from a stream of its own, found by its name. */
export interface Initializer {
  random(name: string): Random;
  /** Weight of a linear layer, [outputs, inputs]. */
  linear(name: string, outputs: number, inputs: number): Float32Array;
  /** Class and mask tokens. */
  token(name: string, width: number): Float32Array;
  /** Learned positions. */
  positions(name: string, size: number): Float32Array;
  /** Weight of the patch convolution, [width, inputs] when flattened. */
  patch(name: string, width: number, inputs: number): Float32Array;
  patchBias(name: string, width: number, inputs: number): Float32Array;
}

export const constant = (size: number, value: number): Float32Array => new Float32Array(size).fill(value);

/** N(0, std²) */
export function normal(random: Random, size: number, std: number): Float32Array {
  const values = new Float32Array(size);
  random.fillNormal(values, std, 0);
  return values;
}

/** U(-limit, limit) */
export function symmetric(random: Random, size: number, limit: number): Float32Array {
  const values = new Float32Array(size);
  random.fillUniform(values, -limit, limit);
  return values;
}

/** U(±√(6 / (inputs + outputs))): torch.nn.init.xavier_uniform_. */
export const xavierUniform = (random: Random, outputs: number, inputs: number): Float32Array =>
  symmetric(random, outputs * inputs, Math.sqrt(6 / (inputs + outputs)));

/** FNV-1a of a name: which stream a parameter draws from, whatever else the model holds. */
function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Conv bias as torch leaves it: U(±1/√inputs). */
const convBias = (random: Random, width: number, inputs: number): Float32Array =>
  symmetric(random, width, 1 / Math.sqrt(inputs));

/** models_mae.py's: Xavier for linear layers and the flattened patch convolution, N(0.02) for tokens. */
export function maeInit(seed: number): Initializer {
  const random = (name: string) => new Random(seed, "init", streamOf(name));
  return {
    random,
    linear: (name, outputs, inputs) => xavierUniform(random(name), outputs, inputs),
    token: (name, width) => normal(random(name), width, 0.02),
    positions: (name, size) => normal(random(name), size, 0.02),
    patch: (name, width, inputs) => xavierUniform(random(name), width, inputs),
    patchBias: (name, width, inputs) => convBias(random(name), width, inputs),
  };
}

/** timm's vision_transformer.py: N(0.02) for linear layers and positions, N(1e-6) for the class token. */
export function timmInit(seed: number): Initializer {
  const random = (name: string) => new Random(seed, "init", streamOf(name));
  return {
    random,
    linear: (name, outputs, inputs) => normal(random(name), outputs * inputs, 0.02),
    token: (name, width) => normal(random(name), width, 1e-6),
    positions: (name, size) => normal(random(name), size, 0.02),
    patch: (name, width, inputs) => symmetric(random(name), width * inputs, 1 / Math.sqrt(inputs)),
    patchBias: (name, width, inputs) => convBias(random(name), width, inputs),
  };
}

/** The same as DeiT, DINO and iBOT have it, of timm 0.3: N(0.02) for the class tokens too, whose cuts at ±2 are 100 deviations. */
export function deitInit(seed: number): Initializer {
  const timm = timmInit(seed);
  return { ...timm, token: timm.positions };
}

/**
 * MoCo v3's vits.py: Xavier for linear layers, with q, k and v taken as three; the patch convolution as if it were one of
 * them, its bias 0; N(1e-6) for the class token.
 */
export function mocoInit(seed: number): Initializer {
  const timm = timmInit(seed);
  return {
    ...timm,
    linear: (name, outputs, inputs) =>
      name.endsWith("attn.qkv.weight")
        ? symmetric(timm.random(name), outputs * inputs, Math.sqrt(6 / (outputs / 3 + inputs)))
        : xavierUniform(timm.random(name), outputs, inputs),
    patch: (name, width, inputs) =>
      symmetric(timm.random(name), width * inputs, Math.sqrt(6 / (inputs + width))),
    patchBias: (_, width) => constant(width, 0),
  };
}

/** N(0, 0.02²) cut at one standard deviation, as BEiT calls trunc_normal_: its own deviation is .54 of that, .0108. */
const cutNormal = (random: Random, size: number): Float32Array =>
  Float32Array.from({ length: size }, () => random.truncatedNormal(0.02, 0, -0.02, 0.02));

/**
 * BEiT's modeling_pretrain.py, for data2vec as well: cut normals everywhere, biases 0; what block l = 1, 2, ... adds to its
 * tokens begins smaller by √(2 l).
 */
export function beitInit(seed: number): Initializer {
  const random = timmInit(seed).random;
  const cut = (name: string, size: number) => cutNormal(random(name), size);
  return {
    random,
    linear(name, outputs, inputs) {
      const block = /\.(\d+)\.(?:attn\.proj|mlp\.fc2)\.weight$/.exec(name)?.[1];
      const values = cut(name, outputs * inputs);
      return block === undefined ? values : values.map((value) => value / Math.sqrt(2 * (Number(block) + 1)));
    },
    token: cut,
    positions: cut,
    patch: (name, width, inputs) => cut(name, width * inputs),
    patchBias: (_, width) => constant(width, 0),
  };
}

/** CAE-B's modeling_cae.py without --fix_init_weight: Xavier for every linear layer, BEiT's for the rest. */
export function caeInit(seed: number): Initializer {
  const beit = beitInit(seed);
  return { ...beit, linear: (name, outputs, inputs) => xavierUniform(beit.random(name), outputs, inputs) };
}
