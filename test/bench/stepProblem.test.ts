import { expect, test } from "vitest";
import {
  countParameters,
  parseStepConfig,
  STEP_CONFIGS,
  stepFlops,
  stepProblem,
  tokensOf,
} from "../../bench/stepProblem.ts";

test("the reference steps have the sizes they are known by", () => {
  expect(countParameters(stepProblem(STEP_CONFIGS.base))).toBe(2_693_578);
  expect(countParameters(stepProblem(STEP_CONFIGS.tiny))).toBe(459_562);
  expect(stepFlops(STEP_CONFIGS.base) / 1e9).toBeCloseTo(17.5, 0);
  expect(stepFlops(STEP_CONFIGS.tiny) / 1e9).toBeCloseTo(6.2, 0);
  expect(tokensOf(STEP_CONFIGS.base)).toBe(65);
});

test("a configuration is read from a line", () => {
  const text = "batch=8,width=128,depth=3,heads=4,image=48,patch=8,classes=7";
  expect(parseStepConfig(text)).toEqual({
    batch: 8,
    width: 128,
    depth: 3,
    heads: 4,
    image: 48,
    patch: 8,
    classes: 7,
  });
  expect(parseStepConfig("batch=3")).toEqual({ ...STEP_CONFIGS.base, batch: 3 });
  expect(parseStepConfig("tiny")).toEqual(STEP_CONFIGS.tiny);
});

test("a wrong configuration is refused with what was wrong", () => {
  expect(() => parseStepConfig("huge")).toThrow('got "huge"');
  expect(() => parseStepConfig("batch=0")).toThrow('got "batch=0"');
  expect(() => parseStepConfig("batch=8,size=3")).toThrow('got "size=3"');
  expect(() => parseStepConfig("width=100,heads=3")).toThrow("heads must divide width");
  expect(() => parseStepConfig("image=30,patch=4")).toThrow("patch must divide image");
});

test("every library gets the same values, and none is at a special one", () => {
  const config = parseStepConfig("batch=2,width=8,depth=1,heads=2,image=8,patch=4,classes=3");
  const [one, other] = [stepProblem(config), stepProblem(config)];
  expect(one.images).toEqual(other.images);
  expect(one.parameters).toEqual(other.parameters);
  expect(one.parameters.every(({ decay }) => decay)).toBe(true);
  const special = one.parameters.flatMap(({ values }) => [...values]).filter((v) => v === 0 || v === 1);
  expect(special).toEqual([]);
  expect(one.labels.every((label) => label < 3)).toBe(true);
});
