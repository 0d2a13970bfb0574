// Attention by each of its methods: on a GPU, where compiling them all takes no time to speak of.
import {
  type AttentionPass,
  attentionMethods,
  shippedAttention,
} from "../../src/engine/ops/attentionMethods.ts";
import { attentionCases } from "./layers.ts";
import type { Inputs, OpCase, OpSize } from "./opCase.ts";

/** Both passes by the methods that do not ship for this device; `attentionCases` has those that do. */
export function otherAttentionCases(inputs: Inputs, size: OpSize): OpCase[] {
  const { batch, tokens, width, heads } = size;
  const shape = { batch, queries: tokens, keys: tokens, heads, headSize: width / heads };
  return (["forward", "backward"] as const).flatMap((pass) =>
    attentionMethods(inputs.device, pass, shape)
      .filter(({ name }) => name !== shippedAttention(inputs.device, pass))
      .map(({ name }) => byMethod(inputs, size, pass, name)),
  );
}

/** One pass by the method of this name. */
function byMethod(inputs: Inputs, size: OpSize, pass: AttentionPass, method: string): OpCase {
  const { device } = inputs;
  const name = `attention ${pass}`;
  const opCase = attentionCases(inputs, size).find((one) => one.name === name)!;
  const chosen = <T>(action: () => T): T => {
    const before = device.tuning.choices;
    device.tuning.choices = new Map([...before, [name, method]]);
    try {
      return action();
    } finally {
      device.tuning.choices = before;
    }
  };
  return {
    ...opCase,
    name: `${name} ${method}`,
    record: () => chosen(() => opCase.record()),
    check: () => chosen(() => opCase.check()),
  };
}
