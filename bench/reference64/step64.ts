// The reference training step in float64.
import { RATES, type StepProblem, tokensOf } from "../stepProblem.ts";
import { adamw64, crossEntropy64, geluTanh64, patches64 } from "./layers64.ts";
import { Network64, trunk64, type Values64 } from "./trunk64.ts";

/** The loss, and the gradients of all parameters by name for who asks. */
function forward64(problem: StepProblem, weights: Values64): { loss: number; gradients: () => Values64 } {
  const { config, images, labels } = problem;
  const { batch, width, depth, heads, patch, classes } = config;
  const tokens = tokensOf(config);
  const rows = batch * tokens;
  const network = new Network64(weights);
  const { gradients } = network;

  const embed = network.linear(
    patches64(images, config),
    "patch_embed.proj",
    batch * (tokens - 1),
    width,
    3 * patch * patch,
  );
  const [classToken, positions] = [network.get("cls_token"), network.get("pos_embed")];
  const x = new Float64Array(rows * width);
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < tokens; t++)
      for (let i = 0; i < width; i++) {
        const token = t === 0 ? classToken[i]! : embed.y[(b * (tokens - 1) + t - 1) * width + i]!;
        x[(b * tokens + t) * width + i] = token + positions[t * width + i]!;
      }
  const last = trunk64(
    network,
    x,
    { batch, tokens, width, depth, heads },
    { names: { blocks: "blocks", norm: "norm" }, gelu: geluTanh64 },
  );
  const isClass = (i: number) => Math.floor(i / width) % tokens === 0;
  const head = network.linear(
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
    const dx = last.backward(
      new Float64Array(rows * width).map((_, i) => (isClass(i) ? dclass[next++]! : 0)),
    );
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

/** What a correct first step gives. */
export interface Expected {
  /** Loss before the first and before the second update. */
  losses: [number, number];
  gradients: Values64;
}

/** The first step, and the loss that the second one finds. */
export function step64(problem: StepProblem): Expected {
  const weights: Values64 = new Map(
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
