import { expect, test } from "vitest";
import { textOf } from "./files.ts";

interface Locked {
  version?: string;
  dev?: boolean;
  devDependencies?: Record<string, string>;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const text = textOf("package-lock.json");
const packages: Record<string, Locked> = JSON.parse(text).packages;

test("the lock names no registry, so it works with everyone's", () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved)).toEqual([]);
});

test("the lock holds the packages of every operating system, or npm ci refuses it", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !packages[`node_modules/${name}`]?.version && !packages[`${path}/node_modules/${name}`]?.version,
    ),
  );
  expect(missing).toEqual([]);
});

test("who installs the package gets no other one: all are bundled, or a peer", () => {
  const { dependencies, devDependencies } = JSON.parse(textOf("package.json"));
  expect(dependencies).toBeUndefined();
  expect(packages[""]!.devDependencies).toEqual(devDependencies);
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);
  expect(installed.map(([path]) => path)).toEqual([]);
});
