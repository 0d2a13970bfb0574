// The reference step in TensorFlow.js on its WebGPU backend.
import * as tf from "@tensorflow/tfjs";
import { actAsBrowser } from "../measure/dawn.ts";
import { RATES, type StepProblem } from "../stepProblem.ts";
import type { OpenLibrary, StepRunner } from "./stepRunner.ts";
import { gradientsFromMoments, peerWeights } from "./weights.ts";

type Lookup = (name: string) => tf.Tensor;

/** Starts TensorFlow.js on WebGPU; it asks for a device of its own. */
export async function openTfjs(): Promise<OpenLibrary> {
  actAsBrowser();
  await import("@tensorflow/tfjs-backend-webgpu"); // looks for navigator.gpu when it is loaded
  if (!(await tf.setBackend("webgpu")))
    throw new Error("openTfjs: TensorFlow.js must start WebGPU; it did not");
  await tf.ready();
  return { start: startStep };
}

/** x [..., in] -> [..., out], as one product of two matrices, which is its fastest. */
function linear(x: tf.Tensor, get: Lookup, name: string): tf.Tensor {
  const weight = get(`${name}.weight`);
  const [inputs, outputs] = weight.shape as [number, number];
  const y = tf.matMul(x.reshape([-1, inputs]), weight);
  return tf.add(y, get(`${name}.bias`)).reshape([...x.shape.slice(0, -1), outputs]);
}

function layerNorm(x: tf.Tensor, get: Lookup, name: string): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const standard = tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-6)));
  return tf.add(tf.mul(standard, get(`${name}.weight`)), get(`${name}.bias`));
}

/** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) */
function gelu(x: tf.Tensor): tf.Tensor {
  const cubic = tf.mul(x, tf.add(tf.mul(tf.square(x), 0.044715), 1));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1));
}

/** Multi-head attention of qkv [B, N, 3D] -> [B, N, D]. */
function attention(qkv: tf.Tensor, heads: number): tf.Tensor {
  const [batch, tokens, width3] = qkv.shape as [number, number, number];
  const size = width3 / 3 / heads;
  const parts = tf.transpose(qkv.reshape([batch, tokens, 3, heads, size]), [2, 0, 3, 1, 4]); // [3, B, H, N, d]
  const [q, k, v] = tf.split(parts, 3, 0).map((part) => part.reshape([batch, heads, tokens, size]));
  const scores = tf.matMul(tf.mul(q!, size ** -0.5), k!, false, true); // [B, H, N, N]
  const mixed = tf.matMul(tf.softmax(scores), v!); // [B, H, N, d]
  return tf.transpose(mixed, [0, 2, 1, 3]).reshape([batch, tokens, width3 / 3]);
}

/** The mean cross-entropy. images [B, H, W, 3], targets [B, K] one-hot. */
function lossOf({ config }: StepProblem, get: Lookup, images: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  const { batch, width, depth, heads, image, patch } = config;
  const grid = image / patch;
  const cut = tf.transpose(images.reshape([batch, grid, patch, grid, patch * 3]), [0, 1, 3, 2, 4]);
  const pixels = cut.reshape([batch * grid * grid, patch * patch, 3]);
  const patches = tf.transpose(pixels, [0, 2, 1]).reshape([batch, grid * grid, 3 * patch * patch]);
  const classToken = tf.tile(get("cls_token"), [batch, 1, 1]);
  let x = tf.add(tf.concat([classToken, linear(patches, get, "patch_embed.proj")], 1), get("pos_embed"));
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    const qkv = linear(layerNorm(x, get, `${block}.norm1`), get, `${block}.attn.qkv`);
    x = tf.add(x, linear(attention(qkv, heads), get, `${block}.attn.proj`));
    const hidden = linear(layerNorm(x, get, `${block}.norm2`), get, `${block}.mlp.fc1`);
    x = tf.add(x, linear(gelu(hidden), get, `${block}.mlp.fc2`));
  }
  const first = tf.slice(layerNorm(x, get, "norm"), [0, 0, 0], [batch, 1, width]).reshape([batch, width]);
  const logits = linear(first, get, "head"); // [B, K]
  return tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), targets)), -1 / batch);
}

async function startStep(problem: StepProblem): Promise<StepRunner> {
  const { config } = problem;
  const { lr, beta1, beta2, eps, weightDecay } = RATES;
  const weights = peerWeights(problem).map(({ name, shape, values }) => ({
    name,
    p: tf.variable(tf.tensor(values, shape)),
    m: tf.variable(tf.zeros(shape)),
    v: tf.variable(tf.zeros(shape)),
  }));
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  const get: Lookup = (name) => byName.get(name)!.p;
  const images = tf.tensor(problem.images, [config.batch, config.image, config.image, 3]);
  const oneHot = new Float32Array(config.batch * config.classes);
  problem.labels.forEach((label, i) => {
    oneHot[i * config.classes + label] = 1;
  });
  const targets = tf.tensor(oneHot, [config.batch, config.classes]);
  const constants = {
    keepM: tf.scalar(beta1),
    takeM: tf.scalar(1 - beta1),
    keepV: tf.scalar(beta2),
    takeV: tf.scalar(1 - beta2),
    epsilon: tf.scalar(eps),
    decay: tf.scalar(1 - lr * weightDecay),
  };
  const variables = weights.map(({ p }) => p);

  let steps = 0;
  const step = (): tf.Tensor =>
    tf.tidy(() => {
      steps++;
      const { keepM, takeM, keepV, takeV, epsilon, decay } = constants;
      const rate = tf.scalar(lr / (1 - beta1 ** steps));
      const root = tf.scalar(Math.sqrt(1 - beta2 ** steps));
      const { value, grads } = tf.variableGrads(() => lossOf(problem, get, images, targets), variables);
      for (const { p, m, v } of weights) {
        const gradient = grads[p.name]!;
        m.assign(tf.add(tf.mul(m, keepM), tf.mul(gradient, takeM)));
        v.assign(tf.add(tf.mul(v, keepV), tf.mul(tf.square(gradient), takeV)));
        const change = tf.div(tf.mul(m, rate), tf.add(tf.div(tf.sqrt(v), root), epsilon));
        p.assign(tf.sub(tf.mul(p, decay), change));
      }
      return value;
    });
  return {
    async step() {
      const loss = step();
      const [value] = await loss.data();
      loss.dispose();
      await tf.backend().device.queue.onSubmittedWorkDone();
      return value!;
    },
    async gradients() {
      const moments = new Map<string, Float32Array>();
      for (const { name, m } of weights) moments.set(name, await m.data());
      return gradientsFromMoments(problem, moments, beta1);
    },
    async close() {
      for (const { p, m, v } of weights) tf.dispose([p, m, v]);
      tf.dispose([images, targets, ...Object.values(constants)]);
    },
  };
}
