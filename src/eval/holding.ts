/** What holds memory of a device: a tensor, a compiled step, a model. */
export interface Held {
  dispose(): void | Promise<void>;
}

/** Takes something into the keeping of `holding` and returns it. */
export type Hold = <H extends Held>(made: H) => H;

/**
 * Runs `work` and then gives the memory of everything it took by `hold` back, the latest first, also where it throws.
 * `holding(async (hold) => { const x = hold(Tensor.from(...)); ... })`
 */
export async function holding<T>(work: (hold: Hold) => Promise<T>): Promise<T> {
  const held: Held[] = [];
  try {
    return await work((made) => {
      held.push(made);
      return made;
    });
  } finally {
    for (const made of held.reverse()) await made.dispose();
  }
}
