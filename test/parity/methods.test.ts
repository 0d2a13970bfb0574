import { describe, expect, test } from "vitest";
import { dinoModule } from "../../src/models/dino.ts";
import { ibotModule } from "../../src/models/ibot.ts";
import { mae, maeConfigOf, maeModule } from "../../src/models/mae.ts";
import type { Method, MethodModule } from "../../src/models/method.ts";
import { mocoV3Module } from "../../src/models/mocoV3.ts";
import { defaultsOf } from "../../src/models/settings.ts";
import { supervisedModule } from "../../src/models/supervised.ts";
import type { VitConfig } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { methodErrors } from "./methodSteps.ts";
import { loadFixture, TINY } from "./model.ts";

const encoder: VitConfig = { ...TINY, embedDim: 16, numHeads: 2 };

function made<C extends object>(
  module: MethodModule<C>,
  batchSize: number,
  changes: Partial<C>,
  positions: VitConfig["positions"] = "learned",
): Method {
  const config = { ...defaultsOf(module.settings), ...changes };
  return module.make({ encoder: { ...encoder, positions }, batchSize, classes: 5 }, config);
}

const prototypes = {
  prototypes: 20,
  hiddenDim: 24,
  bottleneckDim: 8,
  normLastLayer: false,
  localCrops: 2,
  localSize: 8,
  dropPath: 0,
};

/** MAE with the fixture's masking noise in the place of its own. */
function maeWithNoise(): Method {
  const settings = {
    ...defaultsOf(maeModule.settings),
    decoderEmbedDim: 8,
    decoderDepth: 1,
    decoderNumHeads: 2,
  };
  const given: VitConfig = { ...encoder, positions: "sincos-mae" };
  const config = maeConfigOf({ encoder: given }, settings);
  const method: Method = maeModule.make({ encoder: given, batchSize: 3, classes: 0 }, settings);
  return {
    ...method,
    moving: { noise: { dtype: "f32", shape: [3, 16], at: () => [] } },
    record: ({ networks, views, value }) => ({
      loss: mae(networks.model!, config, views[0]!, value("noise"), undefined).loss,
    }),
  };
}

const methods = {
  "moco-v3": () => made(mocoV3Module, 8, { hiddenDim: 24, dim: 8 }),
  dino: () => made(dinoModule, 3, prototypes),
  ibot: () => made(ibotModule, 3, prototypes),
  supervised: () => made(supervisedModule, 4, { erasing: 0, dropPath: 0, weightEma: 0.9 }),
  distilled: () => made(supervisedModule, 4, { erasing: 0, dropPath: 0, weightEma: 0.9, teacher: encoder }),
  mae: maeWithNoise,
};

// Measured, and PyTorch's own float32 beside it, of losses, gradients, first network and teacher:
//   moco-v3     6.9e-7 (2.5e-7)   7.5e-6 (4.6e-6)   1.2e-6 (1.5e-6)   2.3e-7 (6.2e-7)
//   dino        7.5e-7 (2.6e-7)   6.9e-7 (8.1e-7)   1.9e-7 (2.7e-7)   2.9e-7 (2.2e-7)
//   ibot        1.5e-7 (2.0e-7)   2.8e-6 (2.7e-6)   1.8e-7 (1.9e-7)   3.0e-7 (5.3e-7)
//   supervised  6.2e-8 (7.7e-8)   6.4e-7 (6.7e-7)   1.3e-7 (1.2e-7)   1.4e-7 (2.3e-7)
//   distilled   3.8e-8 (4.7e-8)   4.4e-7 (5.3e-7)   2.2e-7 (1.6e-7)   1.7e-7 (2.4e-7)
//   mae         1.2e-7 (6.0e-8)   8.7e-7 (5.6e-7)   1.6e-7 (1.4e-7)
/** How many times PyTorch's own float32 error ours may be. */
const YARDSTICK = 4;
/** Parameters whose gradients the loss determines: all trained ones, but MoCo's final norm's bias, which batch norm removes. */
const COUNTS: Record<string, number> = {
  "moco-v3": 37,
  dino: 38,
  ibot: 39,
  supervised: 32,
  distilled: 35,
  mae: 48,
};

describe("against PyTorch: ten losses, every gradient, both networks and their buffers after ten steps", () => {
  const on = withDevice();

  test.each(Object.entries(methods))("%s", async (name, make) => {
    const fixture = loadFixture(`method-${name}`);
    const errors = await methodErrors(on.device, fixture, make());
    const { losses, gradients, final, taught } = errors;
    const said = JSON.stringify(errors);
    const allowed = (part: string) => YARDSTICK * fixture.json<number>(`float32_${part}_error`);
    expect(losses, said).toBeLessThan(allowed("loss"));
    expect(gradients.error, said).toBeLessThan(allowed("grad"));
    expect(final.error, said).toBeLessThan(allowed("final"));
    if (name !== "mae") expect(taught!.error, said).toBeLessThan(allowed("taught"));
    expect(gradients.count).toBe(COUNTS[name]);
    expect(final.count).toBeGreaterThanOrEqual(gradients.count);
  });
});
