// Measures what only a process of its own can show: the first call, and how much memory one library takes.
import { answerOf, runChild } from "./child.ts";

/** Drivers that keep compiled shaders on disk are told not to. */
const COLD = { MESA_SHADER_CACHE_DISABLE: "true", __GL_SHADER_DISK_CACHE: "0" };

/**
 * Runs this very program again with other arguments and a cold driver cache. Its last line of output is JSON, and the
 * answer. Nothing else runs meanwhile.
 */
export async function alone<T>(args: readonly string[]): Promise<T> {
  const ended = await runChild(process.execPath, [process.argv[1]!, ...args], { env: COLD });
  return answerOf<T>(`alone "${args.join(" ")}"`, ended);
}
