import type { Place, Transfer } from "./encode.ts";
import type { Constant, Elementwise } from "./formula.ts";
import type { Kernel } from "./kernel.ts";
import type { Storage } from "./memory.ts";
import type { Range } from "./range.ts";

/** What a kernel has at one binding: a tensor's range, small constants (uniform words), or nothing. */
export type Bound = Range | Uint32Array | null;

export type Workgroups = readonly [number, number, number];

/** What a dispatch does, for the profiler, as far as its caller says. */
export interface Work {
  /** Floating point operations; a product and a sum are two. */
  flops?: number;
  /** Whether a matrix product rounds its operands to f16. */
  roundsOperands?: boolean;
  /** Bytes read and written; the size of every tensor bound, each once, when absent. */
  bytes?: number;
  /** Sizes that tell one call of a kernel from another. */
  shape?: readonly number[];
}

/** All that a dispatch does, for `compile` to join it with others. */
export interface Meaning {
  elementwise?: Elementwise | undefined;
  constant?: Constant | undefined;
}

/** Everything that can be asked of the GPU in a step. Whatever touches the GPU passes a recorder as one of these. */
export type Command =
  | ({
      kind: "dispatch";
      kernel: Kernel;
      bindings: readonly Bound[];
      workgroups: Workgroups;
      work?: Work;
    } & Meaning)
  | { kind: "copy"; from: Range; to: Range }
  | { kind: "clear"; target: Range };

/** Where commands go: straight to the queue, or into a captured step. */
export interface Recorder {
  record(command: Command): void;
  /** Memory for a new tensor of this many bytes. */
  allocate(bytes: number): Storage;
}

/** The ranges a command touches. */
export function touched(command: Command): Range[] {
  if (command.kind === "copy") return [command.from, command.to];
  if (command.kind === "clear") return [command.target];
  return command.bindings.filter(isRange);
}

export const isRange = (bound: Bound): bound is Range => bound !== null && !(bound instanceof Uint32Array);

/** A copy or a clear with the buffers that its storages have now. Throws one sentence if one has none. */
export function placed(command: Exclude<Command, { kind: "dispatch" }>): Transfer {
  const place = ({ storage, offset, bytes }: Range): Place => ({
    buffer: storage.use(command.kind),
    offset,
    bytes,
  });
  if (command.kind === "clear") return { kind: "clear", target: place(command.target) };
  return { kind: "copy", from: place(command.from), to: place(command.to) };
}
