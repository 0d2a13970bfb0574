// The blocks of a ViT in float64, with the way back.
import { attention64, type Layer64, layerNorm64, linear64 } from "./layers64.ts";

/** Parameters or their gradients by name. */
export type Values64 = Map<string, Float64Array>;

/** A network's layers by the names of their parameters; each way back leaves the gradients here. */
export class Network64 {
  readonly weights: ReadonlyMap<string, Float64Array>;
  readonly gradients: Values64 = new Map();

  constructor(weights: ReadonlyMap<string, Float64Array>) {
    this.weights = weights;
  }

  get(name: string): Float64Array {
    const values = this.weights.get(name);
    if (!values) throw new Error(`Network64: ${name} must be a parameter; got ${[...this.weights.keys()]}`);
    return values;
  }

  /** x [m, k] -> [m, n]. */
  linear(x: Float64Array, name: string, m: number, n: number, k: number): Layer64<Float64Array> {
    return this.#keep(name, linear64(x, this.get(`${name}.weight`), this.get(`${name}.bias`), { m, n, k }));
  }

  /** x [rows, n] -> the same. */
  norm(x: Float64Array, name: string, n: number): Layer64<Float64Array> {
    return this.#keep(name, layerNorm64(x, this.get(`${name}.weight`), this.get(`${name}.bias`), n));
  }

  #keep(
    name: string,
    { y, backward }: Layer64<{ x: Float64Array; weight: Float64Array; bias: Float64Array }>,
  ): Layer64<Float64Array> {
    return {
      y,
      backward: (dy) => {
        const { x, weight, bias } = backward(dy);
        this.gradients.set(`${name}.weight`, weight);
        this.gradients.set(`${name}.bias`, bias);
        return x;
      },
    };
  }
}

export const add64 = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value + b[i]!);

/** Sizes of a trunk; MLPs are four times as wide as the tokens. */
export interface TrunkSizes {
  batch: number;
  tokens: number;
  width: number;
  depth: number;
  heads: number;
}

export interface TrunkParts {
  /** Prefixes of the parameters. */
  names: { blocks: string; norm: string };
  gelu(x: Float64Array): Layer64<Float64Array>;
  /** What drop-path multiplies each sample of a branch by, [batch]; site 0 is attention, 1 the MLP. */
  keep?(block: number, site: 0 | 1): ArrayLike<number>;
}

/** x += attention(norm1 x);  x += mlp(norm2 x) for each block, then the norm. x [batch · tokens, width] -> the same. */
export function trunk64(
  network: Network64,
  x: Float64Array,
  { batch, tokens, width, depth, heads }: TrunkSizes,
  { names, gelu, keep }: TrunkParts,
): Layer64<Float64Array> {
  const rows = batch * tokens;
  const back: ((dy: Float64Array) => Float64Array)[] = [];
  for (let i = 0; i < depth; i++) {
    const block = `${names.blocks}.${i}`;
    const scaled = (values: Float64Array, site: 0 | 1): Float64Array => {
      const factors = keep?.(i, site);
      return factors ? values.map((value, at) => value * factors[Math.floor(at / tokens / width)]!) : values;
    };
    const norm1 = network.norm(x, `${block}.norm1`, width);
    const qkv = network.linear(norm1.y, `${block}.attn.qkv`, rows, 3 * width, width);
    const mixed = attention64(qkv.y, { batch, tokens, width, heads });
    const proj = network.linear(mixed.y, `${block}.attn.proj`, rows, width, width);
    const middle = add64(x, scaled(proj.y, 0));
    const norm2 = network.norm(middle, `${block}.norm2`, width);
    const fc1 = network.linear(norm2.y, `${block}.mlp.fc1`, rows, 4 * width, width);
    const active = gelu(fc1.y);
    const fc2 = network.linear(active.y, `${block}.mlp.fc2`, rows, width, 4 * width);
    x = add64(middle, scaled(fc2.y, 1));
    back.push((dy) => {
      const dmlp = fc1.backward(active.backward(fc2.backward(scaled(dy, 1))));
      const dmiddle = add64(dy, norm2.backward(dmlp));
      const dattention = qkv.backward(mixed.backward(proj.backward(scaled(dmiddle, 0))));
      return add64(dmiddle, norm1.backward(dattention));
    });
  }
  const last = network.norm(x, names.norm, width);
  return {
    y: last.y,
    backward(dy) {
      let dx = last.backward(dy);
      for (const step of back.toReversed()) dx = step(dx);
      return dx;
    },
  };
}
