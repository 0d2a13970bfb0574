import type { Constants } from "./kernel.ts";

/** What decides how fast a matrix product is: y [batch, m, n] = A [m, k] · B [k, n], each perhaps stored transposed. */
export interface GemmShape {
  m: number;
  n: number;
  k: number;
  batch: number;
  transposeA: boolean;
  transposeB: boolean;
}

/** What decides how fast an attention is: the sizes of q [batch, queries, heads, headSize] and of as many rows of k and v. */
export interface AttentionShape {
  batch: number;
  queries: number;
  keys: number;
  heads: number;
  headSize: number;
}

/** What there is a choice of kernels for. */
export type Tunable =
  | { op: "matmul"; shape: GemmShape }
  | { op: "attention forward" | "attention backward"; shape: AttentionShape };

/** Values of y: rows by columns. */
export interface Tile {
  rows: number;
  columns: number;
}

/** The text and shape of one way to compute a product. All ways give the same bits, but for those that round operands. */
export interface GemmMethod {
  /** As the tuning cache knows it. */
  name: string;
  entry: string;
  sources: readonly string[];
  constants: Constants;
  /** Values of y one group of threads computes. */
  tile: Tile;
  /** Such groups in a workgroup. */
  tilesPerWorkgroup: number;
  /** Workgroup memory it needs. */
  workgroupBytes?: number;
  /** Whether it adds the parts of a cut k itself, which saves memory traffic; the others have more workgroups for them. */
  addsParts: boolean;
  /** Whether it multiplies in f16 by itself, whatever the device's precision. */
  roundsOperands?: boolean;
}

const LAYOUTS = ["nn", "nt", "tn", "tt"];
const floorPower = (n: number): number => 2 ** Math.floor(Math.log2(n));

/** Shapes of one class share a choice: sizes between the same powers of two, and alike in all that changes a kernel's text. */
export const classOf = (tunable: Tunable): string =>
  tunable.op === "matmul" ? gemmClass(tunable.shape) : attentionClass(tunable.op, tunable.shape);

/** Same layout, same divisibility by 4. */
function gemmClass({ m, n, k, batch, transposeA, transposeB }: GemmShape): string {
  const layout = LAYOUTS[Number(transposeA) * 2 + Number(transposeB)];
  const ragged = [m, n, k].map((size) => (size % 4 === 0 ? "" : "r"));
  const [pm, pn, pk] = [m, n, k].map((size, i) => `${floorPower(size)}${ragged[i]}`);
  return `matmul ${layout} m${pm} n${pn} k${pk} batch${floorPower(batch)}`;
}

/** Same width of a head. */
function attentionClass(op: string, { batch, queries, keys, heads, headSize }: AttentionShape): string {
  const [q, k, pairs] = [queries, keys, batch * heads].map(floorPower);
  return `${op} q${q} k${k} d${headSize} batch${pairs}`;
}

/** Which method computes which class of shapes on one device, and which classes it has been asked for. */
export class Tuning {
  /** Measured choices: class -> name of a method. Assign to use those of a cache. */
  choices: ReadonlyMap<string, string> = new Map();
  /** One of every class asked for so far: what `tune` measures. */
  readonly asked = new Map<string, Tunable>();

  /** The method measured for this one's class, if any. */
  choose(tunable: Tunable): string | undefined {
    const name = classOf(tunable);
    if (!this.asked.has(name)) this.asked.set(name, tunable);
    return this.choices.get(name);
  }
}

/** Tells one adapter and driver from others: choices measured on one say nothing about another. */
export const fingerprint = ({ vendor, architecture, device, description }: GPUAdapterInfo): string =>
  [vendor, architecture, device, description].join(" / ");

const FORMAT = "partwise tuning 1";

/** Choices as the text of a cache: JSON with the adapter they were measured on and the version of the kernels. */
export const writeTuning = (adapter: string, kernels: string, choices: ReadonlyMap<string, string>): string =>
  `${JSON.stringify({ format: FORMAT, adapter, kernels, choices: Object.fromEntries(choices) }, null, 2)}\n`;

/** Reads a cache, or says in one sentence why it is of no use here: then the shipped choices serve. */
export function readTuning(
  text: string,
  adapter: string,
  kernels: string,
): ReadonlyMap<string, string> | string {
  let cache: Partial<Record<"format" | "adapter" | "kernels" | "choices", unknown>> | null;
  try {
    cache = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (cache?.format !== FORMAT) return `it is not a "${FORMAT}" file`;
  if (cache.adapter !== adapter) return `it was measured on another adapter, ${cache.adapter}`;
  if (cache.kernels !== kernels) return "it was measured with other kernels";
  const { choices } = cache;
  const isRecord = typeof choices === "object" && choices !== null && !Array.isArray(choices);
  const entries: [string, unknown][] = isRecord ? Object.entries(choices) : [];
  if (!isRecord || !entries.every((entry): entry is [string, string] => typeof entry[1] === "string"))
    return "its choices are not names of methods";
  return new Map(entries);
}
