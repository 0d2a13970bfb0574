// The reference step in jax-js: forward, backward and AdamW in one jit, as its authors advise.
import * as jax from "@jax-js/jax";
import { actAsBrowser } from "../measure/dawn.ts";
import { RATES, type StepProblem } from "../stepProblem.ts";
import { addIteratorHelpers } from "./iteratorHelpers.ts";
import type { OpenLibrary, StepRunner } from "./stepRunner.ts";
import { gradientsFromMoments, peerWeights } from "./weights.ts";

const { numpy: np, nn } = jax;
type Arrays = Record<string, jax.Array>;

/** Starts jax-js on WebGPU; it asks for a device of its own. */
export async function openJax(): Promise<OpenLibrary> {
  addIteratorHelpers();
  actAsBrowser();
  const started = await jax.init("webgpu");
  if (!started.includes("webgpu")) throw new Error(`openJax: jax-js must start WebGPU; it has ${started}`);
  jax.defaultDevice("webgpu");
  return { start: startStep };
}

/** Looks a parameter up; jax-js consumes what an operation is given, so every use takes a reference. */
type Lookup = (name: string) => jax.Array;

const linear = (x: jax.Array, get: Lookup, name: string): jax.Array =>
  np.matmul(x, get(`${name}.weight`)).add(get(`${name}.bias`));

const layerNorm = (x: jax.Array, get: Lookup, name: string): jax.Array =>
  nn
    .standardize(x, -1, { epsilon: 1e-6 })
    .mul(get(`${name}.weight`))
    .add(get(`${name}.bias`));

/** Multi-head attention of qkv [B, N, 3D] -> [B, N, D]. */
function attention(qkv: jax.Array, heads: number): jax.Array {
  const [batch, tokens, width3] = qkv.shape as [number, number, number];
  const size = width3 / 3 / heads;
  const parts = qkv.reshape([batch, tokens, 3, heads, size]);
  const [q, k, v] = [parts.ref.slice([], [], 0), parts.ref.slice([], [], 1), parts.slice([], [], 2)];
  return nn.dotProductAttention(q, k, v).reshape([batch, tokens, width3 / 3]);
}

/** The mean cross-entropy. images [B, H, W, 3], targets [B, K] one-hot. */
function lossOf(
  { config }: StepProblem,
  parameters: Arrays,
  images: jax.Array,
  targets: jax.Array,
): jax.Array {
  const { batch, width, depth, heads, image, patch } = config;
  const get: Lookup = (name) => parameters[name]!;
  const grid = image / patch;
  const patches = images
    .reshape([batch, grid, patch, grid, patch, 3])
    .transpose([0, 1, 3, 5, 2, 4])
    .reshape([batch, grid * grid, 3 * patch * patch]);
  const classToken = np.broadcastTo(get("cls_token"), [batch, 1, width]);
  let x = np.concatenate([classToken, linear(patches, get, "patch_embed.proj")], 1).add(get("pos_embed")); // [B, N, D]
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    const qkv = linear(layerNorm(x.ref, get, `${block}.norm1`), get, `${block}.attn.qkv`);
    x = x.add(linear(attention(qkv, heads), get, `${block}.attn.proj`));
    const hidden = linear(layerNorm(x.ref, get, `${block}.norm2`), get, `${block}.mlp.fc1`);
    x = x.add(linear(nn.gelu(hidden, { approximate: true }), get, `${block}.mlp.fc2`));
  }
  const tokens = layerNorm(x, get, "norm");
  const logits = linear(tokens.slice([], 0), get, "head"); // [B, K]
  return nn
    .logSoftmax(logits, -1)
    .mul(targets)
    .sum()
    .mul(-1 / batch);
}

type State = { parameters: Arrays; m: Arrays; v: Arrays };

/** AdamW of one parameter; `rate` = lr / (1 - β1^t), `root` = √(1 - β2^t), both []. */
function adamw(p: jax.Array, g: jax.Array, m: jax.Array, v: jax.Array, rate: jax.Array, root: jax.Array) {
  const { lr, beta1, beta2, eps, weightDecay } = RATES;
  const nextM = m.mul(beta1).add(g.ref.mul(1 - beta1));
  const nextV = v.mul(beta2).add(np.square(g).mul(1 - beta2));
  const change = nextM.ref.mul(rate).div(np.sqrt(nextV.ref).div(root).add(eps));
  return { p: p.mul(1 - lr * weightDecay).sub(change), m: nextM, v: nextV };
}

async function startStep(problem: StepProblem): Promise<StepRunner> {
  const { config } = problem;
  const { lr, beta1, beta2 } = RATES;
  const weights = peerWeights(problem);
  const names = weights.map(({ name }) => name);
  const fromWeights = (make: (weight: (typeof weights)[number]) => jax.Array): Arrays =>
    Object.fromEntries(weights.map((weight) => [weight.name, make(weight)]));
  let state: State = {
    parameters: fromWeights(({ values, shape }) => np.array(values, { shape })),
    m: fromWeights(({ shape }) => np.zeros(shape)),
    v: fromWeights(({ shape }) => np.zeros(shape)),
  };
  const images = np.array(problem.images, { shape: [config.batch, config.image, config.image, 3] });
  const oneHot = new Float32Array(config.batch * config.classes);
  problem.labels.forEach((label, i) => {
    oneHot[i * config.classes + label] = 1;
  });
  const targets = np.array(oneHot, { shape: [config.batch, config.classes] });

  const update = jax.jit(
    (before: State, pictures: jax.Array, classes: jax.Array, rate: jax.Array, root: jax.Array) => {
      const held = Object.fromEntries(names.map((name) => [name, before.parameters[name]!.ref]));
      const withGradients = jax.valueAndGrad((p: Arrays, x: jax.Array, y: jax.Array) =>
        lossOf(problem, p, x, y),
      );
      const [loss, gradients] = withGradients(held, pictures, classes);
      const after: State = { parameters: {}, m: {}, v: {} };
      for (const name of names) {
        const next = adamw(
          before.parameters[name]!,
          gradients[name]!,
          before.m[name]!,
          before.v[name]!,
          rate.ref,
          root.ref,
        );
        after.parameters[name] = next.p;
        after.m[name] = next.m;
        after.v[name] = next.v;
      }
      rate.dispose();
      root.dispose();
      return { after, loss };
    },
  );

  let steps = 0;
  return {
    async step() {
      steps++;
      const rate = np.array(Float32Array.of(lr / (1 - beta1 ** steps)), { shape: [] });
      const root = np.array(Float32Array.of(Math.sqrt(1 - beta2 ** steps)), { shape: [] });
      const { after, loss } = update(state, images.ref, targets.ref, rate, root);
      state = after;
      const [value] = await loss.data();
      await jax.blockUntilReady(state);
      return value!;
    },
    async gradients() {
      const moments = new Map<string, Float32Array>();
      for (const name of names) moments.set(name, await state.m[name]!.ref.data());
      return gradientsFromMoments(problem, moments, beta1);
    },
    async close() {
      for (const arrays of Object.values(state)) for (const array of Object.values(arrays)) array.dispose();
      images.dispose();
      targets.dispose();
      update.dispose();
    },
  };
}
