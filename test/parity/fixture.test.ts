import { describe, expect, it } from "vitest";
import { warmupCosine } from "../../src/engine/step/schedule.ts";
import { loadCrops, loadFixture } from "./fixture.ts";

describe("fixtures", () => {
  it("come from one version of PyTorch and one seed", () => {
    for (const name of ["vit", "mae", "optim", "sincos", "ops"]) {
      const { torch, seed } = loadFixture(name).metadata;
      expect([torch, seed], name).toEqual(["1.13.0a0", "20230123"]);
    }
  });

  it("hold a gradient of its parameter's shape for everything that is trained", () => {
    for (const name of ["vit", "mae"]) {
      const fixture = loadFixture(name);
      const fixed = fixture.metadata.fixed ? fixture.json<string[]>("fixed") : [];
      const trained = fixture.json<string[]>("parameters").filter((parameter) => !fixed.includes(parameter));
      expect([...fixture.under("grad").keys()]).toEqual(trained);
      for (const parameter of trained) {
        expect(fixture.shape(`grad.${parameter}`)).toEqual(fixture.shape(parameter));
      }
    }
  });

  it("name what is missing", () => {
    expect(() => loadFixture("sincos").values("nothing")).toThrow(
      "Fixture sincos: the file must hold nothing",
    );
    expect(() => loadFixture("sincos").json("nothing")).toThrow("metadata must have nothing");
  });

  it("agree with our schedule on the learning rates", () => {
    const rate = warmupCosine({ base: 3e-3, min: 1e-5, warmupSteps: 3, totalSteps: 10 });
    const ours = Array.from({ length: 10 }, (_, step) => Math.fround(rate(step)));
    expect(ours).toEqual([...loadFixture("optim").values("adamw.rates")]);
  });

  it("hold crops within their pictures, some of them fallbacks", () => {
    const crops = loadCrops();
    for (const { imageWidth, imageHeight, top, left, height, width } of crops) {
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
      expect(Math.min(height, width)).toBeGreaterThan(0);
      expect(top + height).toBeLessThanOrEqual(imageHeight);
      expect(left + width).toBeLessThanOrEqual(imageWidth);
    }
    expect(crops.filter((crop) => crop.isFallback).length).toBe(19);
  });
});
