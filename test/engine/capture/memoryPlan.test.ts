import fc from "fast-check";
import { expect, test } from "vitest";
import { planMemory } from "../../../src/engine/capture/memoryPlan.ts";
import type { Command } from "../../../src/engine/gpu/command.ts";
import { Storage } from "../../../src/engine/gpu/memory.ts";
import type { Range } from "../../../src/engine/gpu/range.ts";

const kernel = { entry: "any", label: "any", source: "" };
const range = (storage: Storage): Range => ({ storage, offset: 0, bytes: storage.bytes });

/** A step over numbered storages: which each command touches, which are outputs and which were there before. */
interface Drawn {
  bytes: number[];
  commands: { kind: "dispatch" | "copy" | "clear"; touches: number[] }[];
  outputs: number[];
  persistent: number[];
}

const some = fc.array(fc.nat(19), { maxLength: 4 });
const drawn: fc.Arbitrary<Drawn> = fc.record({
  bytes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 20, maxLength: 20 }),
  commands: fc.array(
    fc.record({
      kind: fc.constantFrom("dispatch", "dispatch", "copy", "clear"),
      touches: fc.array(fc.nat(19), { minLength: 2, maxLength: 5 }),
    }),
    { maxLength: 40 },
  ),
  outputs: some,
  persistent: some,
});

function stepOf({ bytes, commands, outputs, persistent }: Drawn) {
  const storages = bytes.map((n) => new Storage(256 * n, null, false));
  const at = (i: number) => range(storages[i]!);
  const list = commands.map(({ kind, touches }): Command => {
    const [first, second] = touches as [number, number];
    if (kind === "copy") return { kind, from: at(first), to: at(second) };
    if (kind === "clear") return { kind, target: at(first) };
    return { kind, kernel, bindings: [null, new Uint32Array(1), ...touches.map(at)], workgroups: [1, 1, 1] };
  });
  const used = commands.map(({ kind, touches }) => {
    const count = { copy: 2, clear: 1, dispatch: touches.length }[kind];
    return touches.slice(0, count).map((i) => storages[i]!);
  });
  const transient = new Set(storages.filter((_, i) => !persistent.includes(i)));
  return { list, used, transient, kept: new Set(outputs.map((i) => storages[i]!)) };
}

test("storages that are alive at one time never share a slot, and every slot is large enough", () => {
  const check = (step: Drawn) => {
    const { list, used, transient, kept } = stepOf(step);
    const plan = planMemory(list, transient, kept);
    const touchedOnes = new Set([...used.flat(), ...kept].filter((storage) => transient.has(storage)));
    const placed = plan.slots.flatMap(({ tenants }) => tenants.map(({ storage }) => storage));
    expect(new Set(placed)).toEqual(touchedOnes);
    expect(placed.length).toBe(touchedOnes.size);

    const slotOf = new Map(
      plan.slots.flatMap((slot) => slot.tenants.map(({ storage }) => [storage, slot] as const)),
    );
    let most = 0;
    for (let now = 0; now <= list.length; now++) {
      const before = new Set(used.slice(0, now + 1).flat());
      const after = new Set(used.slice(now).flat());
      const atEnd = (s: Storage) => kept.has(s) && (before.has(s) || now === list.length);
      const alive = [...touchedOnes].filter((s) => (before.has(s) && after.has(s)) || atEnd(s));
      const slots = alive.map((storage) => slotOf.get(storage)!);
      expect(new Set(slots).size).toBe(alive.length);
      most = Math.max(
        most,
        alive.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    }
    for (const { bytes, tenants } of plan.slots) {
      expect(Math.max(...tenants.map(({ storage }) => storage.bytes))).toBe(bytes);
    }
    expect(plan.lowerBound).toBe(most);
    expect(plan.bytes).toBe(plan.slots.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(plan.bytes).toBeGreaterThanOrEqual(plan.lowerBound);
  };
  fc.assert(fc.property(drawn, check), { seed: 2301, numRuns: 300 });
});

test("a chain of equal sizes takes two slots", () => {
  const storages = Array.from({ length: 10 }, () => new Storage(512, null, false));
  const list = storages.slice(1).map(
    (to, i): Command => ({
      kind: "copy",
      from: range(storages[i]!),
      to: range(to),
    }),
  );
  const plan = planMemory(list, new Set(storages), new Set([storages[9]!]));
  expect([plan.slots.length, plan.bytes, plan.lowerBound]).toEqual([2, 1024, 1024]);
});

test("an empty step needs nothing", () => {
  expect(planMemory([], new Set(), new Set())).toEqual({ slots: [], bytes: 0, lowerBound: 0 });
});
