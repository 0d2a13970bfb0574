import { type Command, touched } from "../gpu/command.ts";
import { alignBytes, type Storage } from "../gpu/memory.ts";

/** When a storage is first and last touched, as command indices. */
interface Lifetime {
  storage: Storage;
  first: number;
  last: number;
}

/** One buffer and the storages that take turns in it. */
export interface Slot {
  bytes: number;
  tenants: Lifetime[];
}

export interface MemoryPlan {
  slots: Slot[];
  /** Sum of the slots. */
  bytes: number;
  /** The most bytes that are alive at one command: no assignment can need less. */
  lowerBound: number;
}

/**
 * Assigns buffers to the storages of a captured step so that those alive at the same time never share one: largest
 * first, each into the smallest slot that is free for its whole lifetime (Pisarchyk & Lee 2020, arXiv:2001.03288,
 * "greedy by size" for shared objects). Storages in `kept` stay alive to the end.
 */
export function planMemory(
  commands: readonly Command[],
  transient: ReadonlySet<Storage>,
  kept: ReadonlySet<Storage>,
): MemoryPlan {
  const lifetimes = findLifetimes(commands, transient, kept);
  const slots: Slot[] = [];
  for (const lifetime of [...lifetimes].sort((a, b) => b.storage.bytes - a.storage.bytes)) {
    const free = slots.filter(({ tenants }) => tenants.every((other) => !overlap(other, lifetime)));
    const slot = free.reduce<Slot | undefined>(
      (best, s) => (best && best.bytes <= s.bytes ? best : s),
      undefined,
    );
    if (slot) slot.tenants.push(lifetime);
    else slots.push({ bytes: alignBytes(lifetime.storage.bytes), tenants: [lifetime] });
  }
  return {
    slots,
    bytes: slots.reduce((sum, slot) => sum + slot.bytes, 0),
    lowerBound: liveMaximum(lifetimes),
  };
}

const overlap = (a: Lifetime, b: Lifetime): boolean => a.first <= b.last && b.first <= a.last;

function findLifetimes(
  commands: readonly Command[],
  transient: ReadonlySet<Storage>,
  kept: ReadonlySet<Storage>,
): Lifetime[] {
  const found = new Map<Storage, Lifetime>();
  commands.forEach((command, index) => {
    for (const { storage } of touched(command)) {
      if (!transient.has(storage)) continue;
      const lifetime = found.get(storage);
      if (lifetime) lifetime.last = index;
      else found.set(storage, { storage, first: index, last: index });
    }
  });
  const end = commands.length;
  for (const storage of kept) {
    if (!transient.has(storage)) continue;
    const lifetime = found.get(storage);
    if (lifetime) lifetime.last = end;
    else found.set(storage, { storage, first: end, last: end }); // returned as it was made: contents undefined
  }
  return [...found.values()];
}

function liveMaximum(lifetimes: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  const change = (at: number, bytes: number) => changes.set(at, (changes.get(at) ?? 0) + bytes);
  for (const { first, last, storage } of lifetimes) {
    change(first, storage.bytes);
    change(last + 1, -storage.bytes);
  }
  let live = 0;
  let most = 0;
  for (const [, bytes] of [...changes].sort(([a], [b]) => a - b)) {
    live += bytes;
    most = Math.max(most, live);
  }
  return most;
}
