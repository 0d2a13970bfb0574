import { appendFileSync, closeSync, createReadStream, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Checkpoint, encodeCheckpoint, openCheckpoint, type Saved } from "../../train/checkpoint.ts";
import { openSaved } from "../../train/encoderFile.ts";
import type { ProgressRow } from "../../train/loop.ts";
import type { Trainer } from "../../train/trainer.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { explain, kindOf, makeFolder, removeTemporary, writeAtomic } from "../system/files.ts";
import { lock } from "../system/lock.ts";
import { type OpenFile, openFile } from "../system/openFile.ts";

const CHECKPOINT = "checkpoint.safetensors";
/** What a study keeps of a trained cell. */
export const ENCODER = "encoder.safetensors";
const METRICS = "metrics.jsonl";
const LOCK = "run.lock";
const FLUSH_EVERY_MS = 1000;
const LINES_AT_ONCE = 1000;

/** A checkpoint, or less, whose tensors are read from its file until that is closed. */
export type SavedFile<S extends Saved = Saved> = S & { close(): Promise<void> };

/** The checkpoint in a folder of a run, or the file itself. */
export const readCheckpoint = (path: string): Promise<SavedFile<Checkpoint>> =>
  openIn(path, [CHECKPOINT], openCheckpoint);

/** What probes read: a run's checkpoint or a study's encoder, by the folder it is in or the file itself. */
export const readSaved = (path: string): Promise<SavedFile> => openIn(path, [CHECKPOINT, ENCODER], openSaved);

async function openIn<S extends Saved>(
  path: string,
  names: readonly string[],
  open: (name: string, source: OpenFile) => Promise<S>,
): Promise<SavedFile<S>> {
  const kind = await kindOf(path);
  if (kind === null)
    throw new UsageError(`${path}: must be a folder of a run or a checkpoint; it does not exist`);
  let file = path;
  if (kind === "folder") {
    const kinds = await Promise.all(names.map((name) => kindOf(join(path, name))));
    const found = names.find((_, i) => kinds[i] !== null);
    if (found === undefined) throw new UsageError(`${path}: must hold ${names.join(" or ")}; it does not`);
    file = join(path, found);
  }
  const source = await openFile(file);
  const saved = await asUsage(() => open(file, source));
  return { ...saved, close: source.close };
}

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
    const kind = await kindOf(path);
    if (kind !== null && kind !== "folder") throw new UsageError(`--out must be a folder; ${path} is a file`);
    return new RunFolder(path);
  }

  /** Makes the folder unless it is there, and keeps other runs out of it until `close`. */
  async make(): Promise<void> {
    await makeFolder(this.path);
    this.#unlock = await lock(this.file(LOCK));
    await removeTemporary(this.path);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async hasCheckpoint(): Promise<boolean> {
    return (await kindOf(this.file(CHECKPOINT))) !== null;
  }

  /** Opens metrics.jsonl for the rows from `step` on; those a killed run wrote beyond its checkpoint are dropped. */
  async openLog(step: number): Promise<void> {
    const path = this.file(METRICS);
    const old = (await kindOf(path)) === null ? "" : linesBefore(path, step);
    await writeAtomic(path, old);
    this.#log = openSync(path, "a");
    this.#flushed = performance.now();
  }

  /** Adds a row; it reaches the disk within about a second, and before every checkpoint. */
  log({ secondsLeft: _, metrics, ...row }: ProgressRow): void {
    this.#lines.push(`${JSON.stringify({ ...row, ...metrics })}\n`);
    if (performance.now() - this.#flushed > FLUSH_EVERY_MS) this.flush();
  }

  flush(): void {
    if (this.#lines.length > 0) this.#append(this.#lines.join(""));
    this.#lines = [];
    this.#flushed = performance.now();
  }

  #append(text: string): void {
    try {
      appendFileSync(this.#log, text);
    } catch (error) {
      throw explain(this.file(METRICS), error);
    }
  }

  /** Saves the trainer's state: metrics first, so that the log always reaches as far as the checkpoint. */
  async save(trainer: Trainer): Promise<void> {
    this.flush();
    const { info, pieces } = await encodeCheckpoint(trainer);
    await writeAtomic(this.file(CHECKPOINT), pieces);
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

/** The lines of a log for the steps before one, some at a time: a long run's do not fit one string. */
async function* linesBefore(path: string, step: number): AsyncGenerator<string> {
  let lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (stepOf(line) < step) lines.push(`${line}\n`);
    if (lines.length < LINES_AT_ONCE) continue;
    yield lines.join("");
    lines = [];
  }
  yield lines.join("");
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
