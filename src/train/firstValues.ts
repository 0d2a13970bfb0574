import type { Parameters } from "../engine/graph/parameters.ts";
import type { Method, Preview } from "../models/method.ts";
import { networkViews } from "./runState.ts";

/**
 * Fills what a method finds in the run's pictures before its first step, or what is `given` in its place, by the names that it
 * has in a checkpoint. Throws one sentence where it is not the method's, or a network lacks values that it must be given.
 */
export async function fillFirstValues(
  method: Method,
  networks: Readonly<Record<string, Parameters>>,
  preview: Preview,
  given?: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  checkGiven(method, networks, given);
  const buffers = networkViews(networks);
  const found = given ?? (await method.prepare?.(preview)) ?? [];
  for (const [name, values] of found) {
    const buffer = buffers.get(name);
    if (buffer?.size !== values.length) {
      throw new Error(
        `${method.name}: ${name} must hold ${buffer?.size ?? 0} values; got ${values.length}. ` +
          "Was it found by another model?",
      );
    }
    buffer.write(values);
  }
}

/** Throws unless the networks that were trained elsewhere are there whole. */
function checkGiven(
  method: Method,
  networks: Readonly<Record<string, Parameters>>,
  given?: ReadonlyMap<string, Float32Array>,
): void {
  for (const network of method.given ?? []) {
    const missing = networks[network]!.segments.find(({ name }) => !given?.has(`${network}.${name}`));
    if (!missing) continue;
    throw new Error(
      `${method.name}: the run must be given all values of its ${network}; got none of ${missing.name}. ` +
        "Pass them to Trainer.ready",
    );
  }
}
