// The reference training step in float64.
import { RATES, type StepProblem, tokensOf } from "../stepProblem.ts";
import { adamw64, attention64, crossEntropy64, geluTanh64, layerNorm64, linear64 } from "./layers64.ts";

type Values = Map<string, Float64Array>;

/** images [B, H, W, 3] -> patches [B · N, 3 p p], channels first within a patch as timm's convolution sees them. */
function patches64({ config, images }: StepProblem): Float64Array {
  const { batch, image, patch } = config;
  const grid = image / patch;
  const y = new Float64Array(images.length);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let row = 0; row < grid; row++)
      for (let column = 0; column < grid; column++)
        for (let c = 0; c < 3; c++)
          for (let i = 0; i < patch; i++)
            for (let j = 0; j < patch; j++) {
              const [y0, x0] = [row * patch + i, column * patch + j];
              y[at++] = images[((b * image + y0) * image + x0) * 3 + c]!;
            }
  return y;
}

/** The loss, and the gradients of all parameters by name for who asks. */
function forward64(problem: StepProblem, weights: Values): { loss: number; gradients: () => Values } {
  const { config, labels } = problem;
  const { batch, width, depth, heads, patch, classes } = config;
  const tokens = tokensOf(config);
  const rows = batch * tokens;
  const gradients: Values = new Map();
  const back: ((dx: Float64Array) => Float64Array)[] = [];
  const get = (name: string) => weights.get(name)!;

  const linear = (x: Float64Array, name: string, m: number, n: number, k: number) => {
    const layer = linear64(x, get(`${name}.weight`), get(`${name}.bias`), { m, n, k });
    return { y: layer.y, backward: (dy: Float64Array) => keep(name, layer.backward(dy)) };
  };
  const norm = (x: Float64Array, name: string) => {
    const layer = layerNorm64(x, get(`${name}.weight`), get(`${name}.bias`), width);
    return { y: layer.y, backward: (dy: Float64Array) => keep(name, layer.backward(dy)) };
  };
  const keep = (name: string, found: { x: Float64Array; weight: Float64Array; bias: Float64Array }) => {
    gradients.set(`${name}.weight`, found.weight);
    gradients.set(`${name}.bias`, found.bias);
    return found.x;
  };

  const embed = linear(
    patches64(problem),
    "patch_embed.proj",
    batch * (tokens - 1),
    width,
    3 * patch * patch,
  );
  const [classToken, positions] = [get("cls_token"), get("pos_embed")];
  let x: Float64Array = new Float64Array(rows * width);
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < tokens; t++)
      for (let i = 0; i < width; i++) {
        const token = t === 0 ? classToken[i]! : embed.y[(b * (tokens - 1) + t - 1) * width + i]!;
        x[(b * tokens + t) * width + i] = token + positions[t * width + i]!;
      }
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    const norm1 = norm(x, `${block}.norm1`);
    const qkv = linear(norm1.y, `${block}.attn.qkv`, rows, 3 * width, width);
    const mixed = attention64(qkv.y, { batch, tokens, width, heads });
    const proj = linear(mixed.y, `${block}.attn.proj`, rows, width, width);
    const middle = sum(x, proj.y);
    const norm2 = norm(middle, `${block}.norm2`);
    const fc1 = linear(norm2.y, `${block}.mlp.fc1`, rows, 4 * width, width);
    const gelu = geluTanh64(fc1.y);
    const fc2 = linear(gelu.y, `${block}.mlp.fc2`, rows, width, 4 * width);
    x = sum(middle, fc2.y);
    back.push((dy) => {
      const dmiddle = sum(dy, norm2.backward(fc1.backward(gelu.backward(fc2.backward(dy)))));
      return sum(dmiddle, norm1.backward(qkv.backward(mixed.backward(proj.backward(dmiddle)))));
    });
  }
  const last = norm(x, "norm");
  const isClass = (i: number) => Math.floor(i / width) % tokens === 0;
  const head = linear(
    last.y.filter((_, i) => isClass(i)),
    "head",
    batch,
    classes,
    width,
  );
  const loss = crossEntropy64(head.y, labels, classes);
  const backward = () => {
    const dclass = head.backward(loss.backward([1]));
    let next = 0;
    let dx = last.backward(new Float64Array(rows * width).map((_, i) => (isClass(i) ? dclass[next++]! : 0)));
    for (const step of back.reverse()) dx = step(dx);
    const dpositions = new Float64Array(tokens * width);
    dx.forEach((value, i) => {
      dpositions[i % (tokens * width)]! += value;
    });
    gradients.set("pos_embed", dpositions);
    gradients.set("cls_token", dpositions.slice(0, width));
    embed.backward(dx.filter((_, i) => !isClass(i)));
    return gradients;
  };
  return { loss: loss.y[0]!, gradients: backward };
}

const sum = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value + b[i]!);

/** What a correct first step gives. */
export interface Expected {
  /** Loss before the first and before the second update. */
  losses: [number, number];
  gradients: Values;
}

/** The first step, and the loss that the second one finds. */
export function step64(problem: StepProblem): Expected {
  const weights: Values = new Map(
    problem.parameters.map(({ name, values }) => [name, Float64Array.from(values)]),
  );
  const first = forward64(problem, weights);
  const gradients = first.gradients();
  for (const [name, p] of weights) {
    const zeros = () => new Float64Array(p.length);
    adamw64({ p, m: zeros(), v: zeros() }, gradients.get(name)!, { ...RATES, step: 1 });
  }
  return {
    losses: [first.loss, forward64(problem, weights).loss],
    gradients,
  };
}
