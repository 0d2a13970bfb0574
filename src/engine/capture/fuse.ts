import { type Command, touched } from "../gpu/command.ts";
import { elementwiseDispatch } from "../gpu/elementwiseKernel.ts";
import { isRead, type Program, programOf, type Step } from "../gpu/elementwiseProgram.ts";
import type { Storage } from "../gpu/memory.ts";
import { overlaps, type Range } from "../gpu/range.ts";
import { type MemoryPlan, planMemory } from "./memoryPlan.ts";

/** What fusion must know besides the commands. */
export interface FuseLimits {
  /** Storages that exist only inside the step. */
  transient: ReadonlySet<Storage>;
  /** Those among them whose values are used after it. */
  kept: ReadonlySet<Storage>;
  /** Storage buffers a kernel may bind. */
  bindings: number;
  /**
   * How far a dispatch may move to leave several tensors: each lives earlier than before. One that leaves a single tensor,
   * and drops what it is made from, needs no more memory wherever it goes.
   */
  reach: number;
}

/** Steps that one dispatch can do, in order. */
interface Group {
  steps: readonly Step[];
  program: Program;
  /** The command as it was recorded, where nothing was changed. */
  alone: Command | null;
}

type Item = Group | Command;

/** Commands that a gradient's kernels span, such as a norm's or a sum's, but no block of a network. */
const NEAR = 8;

/** The commands, fused as far as the step then needs no more memory than without, and their plan. */
export function fuseWithinMemory(
  commands: readonly Command[],
  limits: Omit<FuseLimits, "reach">,
): { commands: readonly Command[]; memory: MemoryPlan } {
  const planned = (some: readonly Command[]) => ({
    commands: some,
    memory: planMemory(some, limits.transient, limits.kept),
  });
  const unfused = planned(commands);
  for (const reach of [NEAR, 0]) {
    const fused = planned(fuse(commands, { ...limits, reach }));
    if (fused.memory.bytes <= unfused.memory.bytes) return fused;
  }
  return unfused;
}

const isGroup = (item: Item): item is Group => "steps" in item;
const readsOf = (steps: readonly Step[]): Range[] =>
  steps.flatMap(({ inputs }) => inputs.filter(isRead).map(({ range }) => range));
const writesOf = (steps: readonly Step[]): Range[] => steps.map(({ output }) => output);
const meet = (some: readonly Range[], others: readonly Range[]): boolean =>
  some.some((a) => others.some((b) => overlaps(a, b)));

/**
 * Joins elementwise dispatches of one size into one where they follow from each other, and drops what then nobody
 * reads: the same values to the bit in fewer dispatches. A dispatch moves up to the group it takes values from when
 * nothing in between depends on the order; constants become words of the kernels that read them.
 */
export function fuse(commands: readonly Command[], limits: FuseLimits): Command[] {
  const recorded = inlineConstants(commands, limits);
  const uses = new Map<Storage, number>();
  for (const item of recorded) count(uses, item);
  const items: Item[] = [];
  for (const item of recorded) {
    items.push(item);
    let at = items.length - 1;
    for (let home = findHome(items, at, limits, uses); home; home = findHome(items, at, limits, uses)) {
      items.splice(at, 1);
      at = home.at;
      items[at] = home.group;
    }
  }
  return items.map((item) => (isGroup(item) ? (item.alone ?? elementwiseDispatch(item.program)) : item));
}

/** The nearest earlier group that the one at `from` can join, as it would be with both. */
function findHome(
  items: readonly Item[],
  from: number,
  limits: FuseLimits,
  uses: ReadonlyMap<Storage, number>,
): { at: number; group: Group } | null {
  const moving = items[from]!;
  if (!isGroup(moving)) return null;
  const [reads, writes] = [readsOf(moving.steps), writesOf(moving.steps)];
  for (let at = from - 1; at >= 0; at--) {
    const item = items[at]!;
    const touches = isGroup(item) ? readsOf(item.steps) : touched(item);
    const changes = isGroup(item) ? writesOf(item.steps) : touches;
    const follows = meet(changes, reads);
    if (follows && isGroup(item)) {
      const group = join(item, moving, limits, uses);
      if (group && (group.program.stores.length === 1 || from - at <= limits.reach)) return { at, group };
    }
    if (follows || meet(changes, writes) || meet(touches, writes)) return null;
  }
  return null;
}

/** Both as one dispatch; null where one cannot do them. */
function join(
  first: Group,
  second: Group,
  { transient, kept, bindings }: FuseLimits,
  uses: ReadonlyMap<Storage, number>,
): Group | null {
  const [a, b] = [first.steps[0]!, second.steps[0]!];
  if (a.size !== b.size || a.lanes !== b.lanes) return null;
  const steps = [...first.steps, ...second.steps];
  const here = new Map<Storage, number>();
  for (const step of steps) count(here, { steps: [step] });
  const needed = (storage: Storage) =>
    !transient.has(storage) || kept.has(storage) || uses.get(storage) !== here.get(storage);
  const program = programOf(steps, bindings, needed);
  return program && { steps, program, alone: null };
}

/** Counts one use of every storage that a command or step touches. */
function count(uses: Map<Storage, number>, item: Command | { steps: readonly Step[] }): void {
  const ranges = "steps" in item ? [...readsOf(item.steps), ...writesOf(item.steps)] : touched(item);
  for (const storage of new Set(ranges.map((range) => range.storage))) {
    uses.set(storage, (uses.get(storage) ?? 0) + 1);
  }
}

/** Elementwise dispatches as groups of one; a fill that only they read is gone, its word stands in its place. */
function inlineConstants(commands: readonly Command[], { transient, kept }: FuseLimits): Item[] {
  const words = new Map<Storage, { word: number; fill: Command }>();
  const dropped = new Set<Command>();
  /** Someone else may read or change these. */
  const leave = (ranges: readonly Range[]) => {
    for (const { storage } of ranges) {
      const constant = words.get(storage);
      if (constant) dropped.delete(constant.fill);
      words.delete(storage);
    }
  };
  const items = commands.map((command): Item => {
    const { elementwise = null, constant = null } = command.kind === "dispatch" ? command : {};
    if (elementwise) {
      const inputs = elementwise.inputs.map((input) => {
        const found = words.get(input.range.storage);
        return found ? { word: found.word } : input;
      });
      const steps = [{ ...elementwise, inputs }];
      const program = programOf(steps, Number.POSITIVE_INFINITY, () => true);
      if (program) {
        leave([elementwise.output]);
        return { steps, program, alone: inputs.every(isRead) ? command : null };
      }
    }
    leave(touched(command));
    const storage = constant?.output.storage;
    if (storage && transient.has(storage) && constant.output.bytes === storage.bytes) {
      words.set(storage, { word: constant.word, fill: command });
      if (!kept.has(storage)) dropped.add(command);
    }
    return command;
  });
  return items.filter((item) => isGroup(item) || !dropped.has(item));
}
