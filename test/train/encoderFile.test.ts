import { expect, test } from "vitest";
import { toFloat32, toHalf, writeSafetensors } from "../../src/data/safetensors.ts";
import type { Parameters } from "../../src/engine/graph/parameters.ts";
import { savedEncoder } from "../../src/train/checkpoint.ts";
import { encodeEncoder, openSaved } from "../../src/train/encoderFile.ts";
import { withDevice } from "../withDevice.ts";
import { savedBytes, sourceOf } from "./savedFile.ts";
import { tinySettings, tinyTrainer } from "./tinyRun.ts";

const on = withDevice();

const valuesOf = async (params: Parameters): Promise<Record<string, number[]>> =>
  Object.fromEntries(
    [...(await params.read(params.values))].map(([name, { values }]) => [name, [...values]]),
  );

test.each(["moco-v3", "mae"] as const)(
  "what probes read of %s comes back in half precision",
  async (method) => {
    const tiny = { hiddenDim: 8, dim: 6 };
    const settings =
      method === "mae" ? tinySettings() : { ...tinySettings({ method }), encoder: tinySettings().encoder };
    const config = method === "mae" ? settings.config : { ...settings.config, ...tiny };
    const trainer = await tinyTrainer(on.device, { ...settings, config });
    await trainer.prepare();
    trainer.run();
    const saved = await openSaved("encoder", sourceOf(await encodeEncoder(trainer)));
    expect(saved.info).toEqual({ format: "partwise.encoder.1", step: 7, settings: trainer.settings });
    const encoder = await savedEncoder(on.device, saved);
    expect(Object.keys(encoder.projections)).toEqual(method === "mae" ? [] : ["projector"]);
    const trained = await valuesOf(trainer.encoder);
    const rounded = (values: number[]) => {
      const data = Uint16Array.from(values, toHalf);
      return [...toFloat32({ dtype: "F16", shape: [values.length], data })];
    };
    const halves = Object.entries(trained).map(([name, values]) => [name, rounded(values)]);
    expect(await valuesOf(encoder.params)).toEqual(Object.fromEntries(halves));
    encoder.params.dispose();

    const whole = await openSaved("checkpoint", sourceOf(await savedBytes(trainer)));
    expect(whole.info).toMatchObject({ format: "partwise.checkpoint.2", step: 1 });
    const again = await savedEncoder(on.device, whole);
    expect(await valuesOf(again.params)).toEqual(trained);
    again.params.dispose();
  },
);

test("files that hold no encoder are refused in a sentence", async () => {
  const fileOf = (metadata?: unknown) =>
    sourceOf(
      writeSafetensors(new Map(), metadata === undefined ? {} : { partwise: JSON.stringify(metadata) }),
    );
  const bad = [
    [undefined, /^a: must be a checkpoint of format .*; got safetensors without partwise metadata$/],
    [{ format: "partwise.encoder.9" }, /^a: must be a checkpoint of format .*; got partwise.encoder.9$/],
    [{ format: "partwise.encoder.1" }, /^a: settings in its metadata must be an object; got nothing$/],
    [null, /^a: must be a checkpoint of format/],
  ] as const;
  for (const [metadata, message] of bad) {
    await expect(openSaved("a", fileOf(metadata))).rejects.toThrow(message);
  }
});
