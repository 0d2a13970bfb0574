import { appendFileSync, closeSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import type { ProgressRow } from "../train/loop.ts";
import type { Trainer } from "../train/trainer.ts";
import { asUsage, UsageError } from "./errors.ts";
import { explain, kindOf, readBytes, writeAtomic } from "./files.ts";
import { lock } from "./lock.ts";

const CHECKPOINT = "checkpoint.safetensors";
const LOCK = "run.lock";
const FLUSH_EVERY_MS = 1000;

/** The checkpoint in a folder of a run, or the file itself. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const kind = await kindOf(path);
  if (kind === null)
    throw new UsageError(`${path}: must be a folder of a run or a checkpoint; it does not exist`);
  const file = kind === "folder" ? join(path, CHECKPOINT) : path;
  if ((await kindOf(file)) === null) throw new UsageError(`${path}: must hold ${CHECKPOINT}; it does not`);
  const bytes = await readBytes(file);
  return asUsage(() => decodeCheckpoint(file, bytes));
}

/** What one line of metrics.jsonl says. */
type MetricsLine = Omit<ProgressRow, "secondsLeft">;

/** The folder of one run: `checkpoint.safetensors`, `checkpoint.json` and `metrics.jsonl`. */
export class RunFolder {
  readonly path: string;
  #lines: string[] = [];
  #log = -1;
  #flushed = 0;
  #unlock = (): void => {};

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes a path; nothing is made yet. */
  static async at(path: string): Promise<RunFolder> {
    if (path === "") throw new UsageError('--out must name a folder; got ""');
    const kind = await kindOf(path);
    if (kind !== null && kind !== "folder") throw new UsageError(`--out must be a folder; ${path} is a file`);
    return new RunFolder(path);
  }

  /** Makes the folder unless it is there, and keeps other runs out of it until `close`. */
  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true }).catch((error) => Promise.reject(explain(this.path, error)));
    this.#unlock = await lock(this.file(LOCK));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async hasCheckpoint(): Promise<boolean> {
    return (await kindOf(this.file(CHECKPOINT))) !== null;
  }

  /** Opens metrics.jsonl for the rows from `step` on; those a killed run wrote beyond its checkpoint are dropped. */
  async openLog(step: number): Promise<void> {
    const path = this.file("metrics.jsonl");
    const old = (await kindOf(path)) === null ? "" : Buffer.from(await readBytes(path)).toString("utf8");
    const kept = old.split("\n").filter((line) => stepOf(line) < step);
    await writeAtomic(path, kept.map((line) => `${line}\n`).join(""));
    this.#log = openSync(path, "a");
    this.#flushed = performance.now();
  }

  /** Adds a row; it reaches the disk within about a second, and before every checkpoint. */
  log({ secondsLeft: _, ...row }: ProgressRow): void {
    this.#lines.push(`${JSON.stringify(row satisfies MetricsLine)}\n`);
    if (performance.now() - this.#flushed > FLUSH_EVERY_MS) this.flush();
  }

  flush(): void {
    if (this.#lines.length > 0) appendFileSync(this.#log, this.#lines.join(""));
    this.#lines = [];
    this.#flushed = performance.now();
  }

  /** Saves the trainer's state: metrics first, so that the log always reaches as far as the checkpoint. */
  async save(trainer: Trainer): Promise<void> {
    this.flush();
    const { info, bytes } = await encodeCheckpoint(trainer);
    await writeAtomic(this.file(CHECKPOINT), bytes);
    await writeAtomic(this.file("checkpoint.json"), `${JSON.stringify(info, null, 2)}\n`);
  }

  close(): void {
    if (this.#log >= 0) {
      this.flush();
      closeSync(this.#log);
      this.#log = -1;
    }
    this.#unlock();
  }
}

/** The step of a line of metrics.jsonl; infinite for one that a killed run left unfinished. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === "number" ? step : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
