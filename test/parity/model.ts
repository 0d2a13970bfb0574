import type { Device } from "../../src/engine/gpu/device.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type VitConfig, vitConfig } from "../../src/models/vit.ts";
import { type Fixture, loadFixture } from "./fixture.ts";
import { channelsLast } from "./relative.ts";

/** The tiny encoder of the fixtures: 16x16 pictures, patch 4, width 32, 2 blocks, 4 heads. */
export const TINY: VitConfig = {
  ...vitConfig("vit_micro_patch4_32"),
  imageSize: 16,
  embedDim: 32,
  depth: 2,
  numHeads: 4,
};

/** Parameters with the fixture's values; those in metadata "fixed" are not trained. */
export function fixtureParameters(device: Device, fixture: Fixture): Parameters {
  const fixed = "fixed" in fixture.metadata ? fixture.json<string[]>("fixed") : [];
  const names = fixture.json<string[]>("parameters");
  return new Parameters(
    device,
    names.map((name) => ({
      name,
      shape: fixture.shape(name),
      values: fixture.values(name),
      trained: !fixed.includes(name),
    })),
  );
}

/** The fixture's pictures, [B, H, W, 3]. */
export function fixtureImages(device: Device, fixture: Fixture, name = "images"): Tensor {
  const [B, C, H, W] = fixture.shape(name) as [number, number, number, number];
  return Tensor.from(device, channelsLast(fixture.values(name), [B, C, H, W]), [B, H, W, C]);
}

export const fixtureLabels = (device: Device, fixture: Fixture): Tensor =>
  Tensor.from(device, Uint32Array.from(fixture.values("labels")), fixture.shape("labels"), "u32");

export { loadFixture };
