// `--tokenizer FILE` of `partwise pretrain`, for every method whose module says that it predicts tokens.

import { createHash } from "node:crypto";
import { type Command, Option } from "commander";
import type { MethodName } from "../models/methods.ts";
import { CODEBOOK } from "../models/tokenizer.ts";
import type { VitConfig } from "../models/vit.ts";
import { moduleOf } from "../train/run.ts";
import { readTokenizer } from "../train/tokenizerFile.ts";
import { path } from "./arguments.ts";
import { asUsage } from "./errors.ts";
import { readBytes } from "./files.ts";

/** A tokenizer out of a file. */
export interface GivenTokenizer {
  /** Of the codes, hexadecimal. */
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
  const text = "codes that `partwise tokenizer` wrote (default: the run first finds its own in its pictures)";
  command.addOption(new Option("--tokenizer <file>", text).argParser(path));
}

/** The flags with the tokenizer they name and its number of codes. A file of no use is a `UsageError` that names it. */
export async function withTokenizer<F extends TokenizerFlags>(
  flags: F,
  { patchSize }: Pick<VitConfig, "patchSize">,
): Promise<F> {
  const { tokenizer: file, method, config } = flags;
  const count = moduleOf(method).tokenizer;
  if (file === undefined || count === undefined) return flags;
  const bytes = await readBytes(file);
  const { values, shape } = await asUsage(() => {
    try {
      return readTokenizer(bytes, { patchSize, tokens: config[count] as number | undefined });
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message.replace(/^readTokenizer: /, "")}`, {
        cause: error,
      });
    }
  });
  const sha256 = createHash("sha256").update(values).digest("hex");
  return {
    ...flags,
    config: { ...config, [count]: shape[0] },
    given: { sha256, buffers: new Map([[CODEBOOK, values]]) },
  };
}
