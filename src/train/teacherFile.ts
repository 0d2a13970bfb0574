// The teacher of a run that distils: the network of a checkpoint of supervised training, with its head.

import type { VitConfig } from "../models/vit.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { methodOf } from "./run.ts";
import { prefixOf } from "./runState.ts";

/** What a run needs of its teacher. */
export interface Teacher {
  /** For the run's settings, as `config.teacher`. */
  encoder: VitConfig;
  /** For `Trainer.ready`. */
  values: Map<string, Float32Array>;
}

/** The trained network of a checkpoint as a teacher of `classes` classes. Throws one sentence where it cannot be that. */
export async function readTeacher({ info, values }: Checkpoint, classes: number): Promise<Teacher> {
  const { settings } = info;
  if (settings.method !== "supervised") {
    throw new Error(
      `readTeacher: a teacher must have been trained with labels, by supervised; got ${settings.method}`,
    );
  }
  if (settings.data.classes !== classes) {
    throw new Error(
      `readTeacher: a teacher must tell the ${classes} classes of the run's pictures apart; it tells ${settings.data.classes} ` +
        `(${settings.data.name}). Train it on the same set`,
    );
  }
  if ((settings.config as { meanPool?: boolean }).meanPool) {
    throw new Error(
      "readTeacher: a teacher must be read by its class token; got a run that reads the mean of the patches. Train one without --mean-pool",
    );
  }
  const { encoder, networks } = methodOf(settings);
  const all = networks(settings.seed);
  const found = new Map<string, Float32Array>();
  for (const { name } of all[encoder.network]!) {
    found.set(`teacher.${name}`, await values(prefixOf(all, encoder.network) + name));
  }
  return { encoder: encoder.config, values: found };
}
