/** The choices that `partwise tune` measured: one file for each adapter, in the person's cache folder. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Device, DeviceOptions } from "../../engine/gpu/device.ts";
import { fingerprint, readTuning, writeTuning } from "../../engine/gpu/tuning.ts";
import { tunedVersion } from "../../engine/ops/tunedVersion.ts";
import { openDevice } from "./dawn.ts";
import { UsageError } from "./errors.ts";
import { explain, kindOf, makeFolder, readBytes, writeAtomic } from "./files.ts";
import { printError } from "./output.ts";

/** The option of commands that use the cache: its flag and its description. */
export const NO_TUNE = [
  "--no-tune",
  "use the shipped kernels, not those that `partwise tune` found",
] as const;

/** More than any cache has: thousands of classes. */
const MOST_BYTES = 2 ** 20;

/** The folder of the caches: $XDG_CACHE_HOME on any system, else where each one keeps such files. */
export function cacheFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homedir(),
): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "partwise");
  if (platform === "win32") return join(env.LOCALAPPDATA || join(home, "AppData", "Local"), "partwise");
  return join(home, ...(platform === "darwin" ? ["Library", "Caches"] : [".cache"]), "partwise");
}

/** The file of an adapter's choices. */
export function cacheFile(info: GPUAdapterInfo, folder = cacheFolder()): string {
  const digest = createHash("sha256").update(fingerprint(info)).digest("hex");
  return join(folder, `tuning-${digest.slice(0, 16)}.json`);
}

/** Opens the adapter, with the choices measured on it unless `tune` is false. */
export async function openTuned({ tune, ...options }: DeviceOptions & { tune: boolean }): Promise<Device> {
  const device = await openDevice(options);
  if (tune) await loadTuning(device);
  return device;
}

/** Gives a device its cached choices. A cache of no use is said in one line on stderr; the shipped choices serve. */
async function loadTuning(device: Device): Promise<void> {
  const file = cacheFile(device.info);
  const found = await readCache(file, device.info);
  if (typeof found !== "string") device.tuning.choices = found;
  else printError(`${file} is ignored: ${found.replace(/\s+/g, " ")}; \`partwise tune\` writes it anew`);
}

/** The choices in a file, none where there is no file, or why they are of no use. */
async function readCache(file: string, info: GPUAdapterInfo): Promise<ReadonlyMap<string, string> | string> {
  let text: string;
  try {
    if ((await kindOf(file)) === null) return new Map();
    text = new TextDecoder().decode(await readBytes(file, MOST_BYTES));
  } catch (error) {
    return (error as Error).message.replace(`${file}: `, "");
  }
  return readTuning(text, fingerprint(info), tunedVersion());
}

/** Writes a device's choices to its cache -> the file. Throws a `UsageError` where the folder cannot be written. */
export async function saveTuning({ info, tuning }: Device): Promise<string> {
  const file = cacheFile(info);
  const folder = dirname(file);
  try {
    await makeFolder(folder);
    await writeAtomic(file, writeTuning(fingerprint(info), tunedVersion(), tuning.choices));
  } catch (error) {
    const { message } = explain(folder, error) as Error;
    throw new UsageError(
      `tune: the cache must be writable; ${message}. Name a folder for caches in XDG_CACHE_HOME`,
      { cause: error },
    );
  }
  return file;
}
