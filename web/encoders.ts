// The encoders that the search offers: those of the zoo, those of methods before their first step, files.
import { blobSource } from "../src/data/safetensorsFile.ts";
import type { Device } from "../src/engine/gpu/device.ts";
import { METHODS, type MethodName } from "../src/models/methods.ts";
import { type Saved, type SavedEncoder, savedEncoder } from "../src/train/checkpoint.ts";
import { openSaved } from "../src/train/encoderFile.ts";
import { runSettings } from "../src/train/run.ts";
import type { Settings } from "./messages.ts";
import { BUILT_IN_CLASSES } from "./pictures.ts";

/** An encoder that can be chosen. */
export interface Offer {
  /** What tells it from every other one. */
  key: string;
  /** As a person reads it in the list. */
  name: string;
  /** What it has been trained by, in a sentence. */
  about: string;
  /** The method by which it can be trained here, where it can. */
  method?: MethodName;
  load(device: Device): Promise<SavedEncoder>;
}

/** A run that a page makes in half a minute on a GPU, of pictures that show their parts. */
export const runHere = (method: MethodName, steps: number): Settings => ({
  method,
  config: {},
  model: "vit_micro_patch8_64",
  batchSize: 64,
  steps,
  seed: 0,
  pictures: 2000,
});

/** The encoders of every method with their first values. */
export const untrainedOffers = (): Offer[] =>
  (Object.keys(METHODS) as MethodName[]).map((method) => ({
    key: method,
    name: method,
    method,
    about: `${method}, untrained: its first values know colours and positions, and nothing of parts.`,
    load(device) {
      const { model, seed, batchSize, pictures: count } = runHere(method, 1);
      const data = { name: "creatures", count, width: 64, height: 64, classes: BUILT_IN_CLASSES };
      const settings = runSettings({ method, model, seed, batchSize, data, totalSteps: 1 });
      const nothing: Saved = {
        info: { format: "", step: 0, settings },
        entries: new Map(),
        values: (name) => Promise.reject(new Error(`encoders: ${name} must have been trained; it was not`)),
      };
      return savedEncoder(device, nothing, { untrained: true });
    },
  }));

/** What a checkpoint or an encoder file holds. Throws one sentence where it is neither. */
export async function fileOffer(name: string, file: Blob): Promise<Offer> {
  const saved = await openSaved(name, blobSource(file));
  const { method, model, data } = saved.info.settings;
  return {
    key: `file ${name}`,
    name,
    about: `${name}: ${method}, ${model}, ${saved.info.step} steps on ${data.name}.`,
    load: (device) => savedEncoder(device, saved),
  };
}

/** Of zoo.json, what is read of an encoder. */
interface ZooEncoder {
  method: string;
  model: string;
  seed: number;
  file: string;
  sha256: string;
  pictures: number;
  data: string;
}

/**
 * The encoders of the zoo beside the page. None where it has no zoo, whatever the server says then: a status, nothing at all, or the
 * page that it has for every address.
 */
export async function zooOffers(): Promise<Offer[]> {
  const response = await fetch(new URL("zoo/zoo.json", import.meta.url)).catch(() => null);
  if (!response?.ok) return [];
  const { encoders = [] } = ((await response.json().catch(() => null)) ?? {}) as { encoders?: ZooEncoder[] };
  return encoders.map((encoder) => {
    const { method, file, sha256, pictures, data } = encoder;
    return {
      key: `zoo ${file}`,
      name: nameOf(encoder, encoders),
      about: `${method} of the zoo: trained on ${data}, ${pictures.toLocaleString("en")} pictures seen.`,
      load: async (device) => (await fileOffer(file, await zooFile(file, sha256))).load(device),
    };
  });
}

/** The method and the set of an encoder, and of several of both what tells it from the others. */
function nameOf(one: ZooEncoder, all: readonly ZooEncoder[]): string {
  const alike = all.filter(({ method, data }) => method === one.method && data === one.data);
  const differ = (key: "model" | "seed") => new Set(alike.map((other) => other[key])).size > 1;
  const { method, data, model, seed } = one;
  return [
    method,
    data,
    ...(differ("model") ? [model] : []),
    ...(differ("seed") ? [`seed ${seed}`] : []),
  ].join(", ");
}

/** A file of the zoo. Throws unless it is the one that zoo.json was written for. */
async function zooFile(name: string, sha256: string): Promise<Blob> {
  const response = await fetch(new URL(`zoo/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name}: the server must have it; got status ${response.status}.`);
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) {
    throw new Error(
      `${name}: must have the SHA-256 of zoo.json, ${sha256}; got ${found}. Copy the zoo again`,
    );
  }
  return new Blob([bytes]);
}
