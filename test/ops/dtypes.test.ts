import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { type DType, Tensor } from "../../src/engine/graph/tensor.ts";
import * as ops from "../../src/engine/ops/index.ts";
import { expectValues } from "../expectValues.ts";
import { withDevice } from "../withDevice.ts";
import { everyOp, type Input, type OpRow } from "./everyOp.ts";

const DTYPES = ["f32", "i32", "u32"] as const;
/** A whole number that f32 does not have: float arithmetic would lose its last bit. */
const BIG = 2 ** 24 + 1;

/** Functions of the index that compute nothing on tensors. */
const NO_OPS = ["resizeMatrix", "wholeBoxes"];

test("every public op is in the table", () => {
  const functions = Object.entries(ops).filter(([, value]) => typeof value === "function");
  const published = functions.map(([name]) => name).filter((name) => !NO_OPS.includes(name));
  expect([...new Set(everyOp.map(({ op }) => op))].sort()).toEqual(published.sort());
});

/** The usual dtypes; those with one changed; and the same one everywhere. */
function choicesFor(inputs: readonly Input[]): DType[][] {
  const usual = inputs.map(
    ({ takes }): DType => (takes === "same" ? (inputs[0]!.takes[0] as DType) : takes[0]!),
  );
  const changed = inputs.flatMap((_, i) => DTYPES.map((dtype) => usual.map((d, k) => (k === i ? dtype : d))));
  const equal = DTYPES.map((dtype) => inputs.map(() => dtype));
  const all = [usual, ...changed, ...equal].map((choice) => `${choice}`);
  return [...new Set(all)].map((choice) => choice.split(",") as DType[]);
}

const isTaken = ({ takes }: Input, dtype: DType, first: DType): boolean =>
  takes === "same" ? dtype === first : takes.includes(dtype);

/**
 * What an input holds in a dtype: no fraction or sign where there is none, and all bits of whole numbers where any dtype will
 * do.
 */
function valuesIn(dtype: DType, { takes, values }: Input): number[] {
  const signed = dtype === "f32" ? values : values.map(Math.trunc);
  const whole = dtype === "u32" ? signed.map(Math.abs) : signed;
  return dtype !== "f32" && takes.length === 3 ? [BIG, ...whole.slice(1)] : [...whole];
}

/** A float64 result as the dtype holds it: whole numbers wrap around. */
const asHeld = (value: number, dtype: DType): number =>
  dtype === "f32" ? Math.fround(value) : dtype === "i32" ? value | 0 : value >>> 0;

describe("on every dtype", () => {
  const on = withDevice();
  const tensorsOf = ({ inputs }: OpRow, choice: readonly DType[]) =>
    inputs.map((input, i) => Tensor.from(on.device, valuesIn(choice[i]!, input), input.shape, choice[i]!));

  async function expectComputed(row: OpRow, choice: readonly DType[]): Promise<void> {
    const y = row.run(...tensorsOf(row, choice));
    const dtype = row.gives ?? choice[0]!;
    expect(y.dtype).toBe(dtype);
    const inputs = row.inputs.map((input, i) => valuesIn(choice[i]!, input));
    const usual = async () => row.run(...tensorsOf(row, choicesFor(row.inputs)[0]!)).read();
    const expected = Array.from(row.reference?.(...inputs) ?? (await usual()), (v) => asHeld(v, dtype));
    const found = Array.from(await y.read());
    if (dtype === "f32") expectValues(`${choice}`, found, expected);
    else expect(found, `${choice}`).toEqual(expected);
  }

  for (const row of everyOp.filter(({ inputs }) => inputs.length > 0)) {
    const title = `${row.op} ${row.inputs.map(({ shape }) => `[${shape}]`).join(" ")}`;
    test(`${title} computes or refuses`, async () => {
      for (const choice of choicesFor(row.inputs)) {
        const isRight = row.inputs.every((input, i) => isTaken(input, choice[i]!, choice[0]!));
        if (isRight) await expectComputed(row, choice);
        else {
          const name = ["normal", "uniform"].includes(row.op) || row.op.startsWith("drop") ? "\\w+" : row.op;
          const sentence = new RegExp(`^${name}: [^;]+; got .*(f32|i32|u32|label)[^;]*$`);
          expect(() => row.run(...tensorsOf(row, choice)), `${choice}`).toThrow(sentence);
        }
      }
    });
  }

  test("crossEntropy tells labels from weights by their dtype", () => {
    const logits = Tensor.from(on.device, [1, 2, 3], [1, 3]);
    const floats = Tensor.from(on.device, [1], [1]);
    expect(() => ops.crossEntropy(logits, floats)).toThrow(/f32 target \[1\]/);
  });

  test("whole numbers have no gradient", async () => {
    const x = Tensor.from(on.device, [1.5, 2.5], [2]);
    const counts = ops.cast(x, "i32");
    const [dx] = grad(ops.sum(ops.mul(x, ops.cast(ops.add(counts, counts), "f32"))), [x]);
    expect([...(await dx!.read())]).toEqual([2, 4]);
  });

  test("fill makes whole numbers of their dtype alone", async () => {
    expect([...(await ops.fill(on.device, [2], -1, "i32").read())]).toEqual([-1, -1]);
    expect([...(await ops.fill(on.device, [1], 2 ** 32 - 1, "u32").read())]).toEqual([2 ** 32 - 1]);
    for (const [value, dtype] of [
      [-1, "u32"],
      [2.75, "u32"],
      [2 ** 31, "i32"],
      [Number.NaN, "i32"],
    ] as const) {
      expect(() => ops.fill(on.device, [1], value, dtype)).toThrow(
        /^fill: [iu]32 values are whole numbers from/,
      );
    }
    const x = Tensor.from(on.device, [1], [1], "i32");
    expect(() => ops.pad(x, [[1, 1]], 0.5)).toThrow(/whole number/);
  });
});
