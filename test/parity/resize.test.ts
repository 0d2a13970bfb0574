import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { resize } from "../../src/engine/ops/resize.ts";
import { expectClose } from "../checkOp.ts";
import { VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";

const on = withDevice();
const fixture = loadFixture("ops");
const names = [...fixture.tensors.keys()].filter((name) => name.startsWith("resize.bi"));

/** [B, C, H, W] -> [B, H, W, C] */
function channelsLast(values: Float32Array, [, c, h, w]: readonly number[]): Float32Array {
  return values.map((_, i) => {
    const [channel, pixel] = [i % c!, Math.floor(i / c!) % (h! * w!)];
    return values[(Math.floor(i / c! / h! / w!) * c! + channel) * h! * w! + pixel]!;
  });
}

test("there are fixtures", () => expect(names.length).toBeGreaterThan(0));

test.each(names)("%s is PyTorch's", async (name) => {
  const [from, to] = [fixture.shape("resize.x"), fixture.shape(name)];
  const [b, c, h, w] = from as [number, number, number, number];
  const x = Tensor.from(on.device, channelsLast(fixture.values("resize.x"), from), [b, h, w, c]);
  const mode = name.includes("bicubic") ? "bicubic" : "bilinear";
  const options = { height: to[2]!, width: to[3]!, mode, antialias: name.includes("antialias") } as const;
  expectClose(name, await resize(x, options).read(), channelsLast(fixture.values(name), to), VALUE);
});
