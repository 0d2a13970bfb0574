// Attention by each of its methods: on a GPU, where compiling them all takes no time to speak of.
import { type AttentionShape, Tuning } from "../../src/engine/gpu/tuning.ts";
import {
  type AttentionPass,
  attentionMethods,
  chooseAttention,
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

/** One pass by the method of this name, the other by the device's own choice. Throws where another method ran. */
function byMethod(inputs: Inputs, size: OpSize, pass: AttentionPass, method: string): OpCase {
  const { device } = inputs;
  const op = `attention ${pass}` as const;
  const opCase = attentionCases(inputs, size).find(({ name }) => name === op)!;
  const chosen = <T>(action: () => T): T => {
    const before = device.tuning;
    const asked: AttentionShape[] = [];
    device.tuning = new Tuning();
    device.tuning.choose = (tunable) => {
      if (tunable.op !== op) return before.choose(tunable);
      asked.push(tunable.shape);
      return method;
    };
    try {
      const result = action();
      const ran = [...asked].map((shape) => chooseAttention(device, pass, shape).name);
      if (ran.length === 0 || ran.some((name) => name !== method)) {
        throw new Error(
          `ops: ${op} must run by ${method}; it ran by ${ran.join(", ") || "none of its methods"}`,
        );
      }
      return result;
    } finally {
      device.tuning = before;
    }
  };
  return {
    ...opCase,
    name: `${op} ${method}`,
    record: () => chosen(() => opCase.record()),
    check: () => chosen(() => opCase.check()),
  };
}
