// The encoder of a run in half precision: what probes, search and other programs read, without the optimiser.

import { type StoredTensor, toHalf, writeSafetensors } from "../data/safetensors.ts";
import type { ByteSource } from "../data/safetensorsFile.ts";
import { infoIn, isRead, open, parsed, type Saved } from "./checkpoint.ts";
import type { RunSettings } from "./run.ts";
import { prefixOf } from "./runState.ts";
import { FORMAT, settingsIn } from "./savedSettings.ts";
import type { Trainer } from "./trainer.ts";

const ENCODER_FORMAT = "partwise.encoder.1";

/** What probes read, the encoder and its projections, as a safetensors file, under the names of a checkpoint. */
export async function encodeEncoder({
  encoder,
  method,
  networks,
  settings,
}: Trainer): Promise<Uint8Array<ArrayBuffer>> {
  const prefix = prefixOf(networks, method.encoder.network);
  const tensors = new Map<string, StoredTensor>();
  for await (const [name, { shape, values }] of encoder.entries(encoder.values)) {
    if (!isRead(method, name)) continue;
    tensors.set(prefix + name, { dtype: "F16", shape, data: Uint16Array.from(values, toHalf) });
  }
  return writeSafetensors(tensors, { partwise: JSON.stringify({ format: ENCODER_FORMAT, settings }) });
}

/** Opens what `encodeEncoder` or `encodeCheckpoint` wrote. `name` is the file's, for messages. */
export const openSaved = (name: string, source: ByteSource): Promise<Saved> =>
  open(name, source, (metadata): Saved["info"] => {
    const { format, settings: given } = Object(parsed(metadata ?? "")) as Partial<Saved["info"]>;
    if (format !== ENCODER_FORMAT) return infoIn(metadata);
    const settings: RunSettings = settingsIn(FORMAT, given);
    return { format, settings, step: settings.totalSteps };
  });
