// `--tokenizer FILE` of `partwise pretrain` and `plan`, for every method whose module says that it predicts tokens.

import { createHash } from "node:crypto";
import { type Command, Option } from "commander";
import type { MethodName } from "../../models/methods.ts";
import type { TokenConfig } from "../../models/tokens.ts";
import type { VitConfig } from "../../models/vit.ts";
import { moduleOf } from "../../train/run.ts";
import { openTokenizer } from "../../train/tokenizerFile.ts";
import { path } from "../options/arguments.ts";
import { asUsage } from "../system/errors.ts";
import { openFile } from "../system/openFile.ts";

/** A tokenizer out of a file. */
export interface GivenTokenizer {
  /** The method's settings that it decides. */
  config: TokenConfig;
  /** Of its values, hexadecimal, whatever the file that they were in. */
  sha256: string;
  /** As `Trainer.ready` takes them. */
  buffers: ReadonlyMap<string, Float32Array>;
}

/** The flags that matter here. */
interface TokenizerFlags {
  method: MethodName;
  /** The method's own settings that were given. */
  config: Record<string, unknown>;
  /** The file. */
  tokenizer?: string;
  /** What is in it. */
  given?: GivenTokenizer;
}

/** Adds the flag where the method takes a tokenizer. */
export function addTokenizerOption(command: Command, method: MethodName): void {
  if (moduleOf(method).tokenizer === undefined) return;
  const text =
    "codes that `partwise tokenizer` wrote, or DALL-E's encoder.pkl (default: the run first finds codes in its pictures)";
  command.addOption(new Option("--tokenizer <file>", text).argParser(path));
}

/** The flags with the tokenizer they name. A file of no use is a `UsageError` that names it. */
export async function withTokenizer<F extends TokenizerFlags>(
  flags: F,
  { patchSize }: Pick<VitConfig, "patchSize">,
): Promise<F> {
  const { tokenizer: file, method, config } = flags;
  const count = moduleOf(method).tokenizer;
  if (file === undefined || count === undefined) return flags;
  const source = await openFile(file);
  const tokens = config[count] as number | undefined;
  const found = await asUsage(async () => {
    try {
      return await openTokenizer(source, { patchSize, ...(tokens !== undefined && { tokens }) });
    } catch (error) {
      if (!(error instanceof Error) || error.constructor !== Error) throw error;
      throw new Error(`${file}: ${error.message.replace(/^\w+: /, "")}`, { cause: error });
    } finally {
      await source.close();
    }
  });
  const hash = createHash("sha256");
  for (const values of found.values.values()) hash.update(values);
  return { ...flags, given: { config: found.config, sha256: hash.digest("hex"), buffers: found.values } };
}
