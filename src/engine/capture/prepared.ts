import { type Command, isRange, type Work } from "../gpu/command.ts";
import type { Encodable, Transfer } from "../gpu/encode.ts";
import { sameRange } from "../gpu/range.ts";

/** What a dispatch does, its bytes known in any case. */
export interface DispatchWork extends Work {
  bytes: number;
}

/** A command of a captured step, ready to be encoded, and what a profile says of it. */
export type Prepared =
  | (Extract<Encodable, { kind: "dispatch" }> & { label: string; work: DispatchWork })
  | Transfer;

/** The work of a dispatch: what its caller said, and by default the bytes of every tensor it binds, each once. */
export function workOf({ bindings, work = {} }: Extract<Command, { kind: "dispatch" }>): DispatchWork {
  if (work.bytes !== undefined) return { ...work, bytes: work.bytes };
  const ranges = bindings.filter(isRange);
  const distinct = ranges.filter((range, i) => ranges.findIndex((other) => sameRange(other, range)) === i);
  return { ...work, bytes: distinct.reduce((sum, { bytes }) => sum + bytes, 0) };
}
