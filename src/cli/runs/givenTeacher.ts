// `--distill RUN` of `partwise pretrain`, for every method whose module says that it learns from a teacher.

import { type Command, Option } from "commander";
import type { MethodName } from "../../models/methods.ts";
import { moduleOf } from "../../train/run.ts";
import { readTeacher } from "../../train/teacherFile.ts";
import { path } from "../options/arguments.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { readCheckpoint } from "./runFolder.ts";

/** The flags that matter here. */
interface TeacherFlags {
  method: MethodName;
  /** The method's own settings that were given. */
  config: Record<string, unknown>;
  /** Of pictures that nobody has seen yet. */
  classes?: number;
  /** The teacher's run. */
  distill?: string;
  /** Its parameters, as `Trainer.ready` takes them. */
  teacher?: ReadonlyMap<string, Float32Array>;
}

/** Adds the flag where the method takes a teacher. */
export function addTeacherOption(command: Command, method: MethodName): void {
  if (moduleOf(method).teacher === undefined) return;
  const text =
    "learn also from a run of `pretrain supervised` on the same classes: its folder, or its checkpoint";
  command.addOption(new Option("--distill <run>", text).argParser(path));
}

/**
 * The flags with the teacher they name. One of no use to pictures of so many classes is a `UsageError` that names it; pictures that
 * nobody has seen yet, null, are of the teacher's own.
 */
export async function withTeacher<F extends TeacherFlags>(flags: F, asked: number | null): Promise<F> {
  const { distill: run, method, config } = flags;
  const key = moduleOf(method).teacher;
  if (run === undefined || key === undefined) return flags;
  const checkpoint = await readCheckpoint(run);
  try {
    const classes = asked ?? checkpoint.info.settings.data.classes ?? 0;
    const { encoder, values } = await asUsage(() => readTeacher(checkpoint, classes));
    return { ...flags, classes, config: { ...config, [key]: encoder }, teacher: values };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace(/^readTeacher/, run), { cause: error });
  } finally {
    await checkpoint.close();
  }
}
