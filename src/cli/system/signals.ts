import { constants } from "node:os";

/** Those that a person or a scheduler sends to end a program. */
const ASKED: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
/** The terminal was closed: shells and systems send it several times, and none of them is impatience. */
const CLOSED: NodeJS.Signals = "SIGHUP";

/** What a shell reports for a program that a signal ended: 130 for SIGINT. */
export const statusOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** A wish to stop, as far as a signal has told one. */
export interface Stop {
  readonly requested: boolean;
  /** The first one; null before it. */
  readonly signal: NodeJS.Signals | null;
  /** Gives the signals back. */
  release(): void;
}

/**
 * Turns the first SIGINT (Ctrl-C), SIGTERM or SIGHUP into a wish to stop; a second SIGINT or SIGTERM ends the process at
 * once.
 */
export function stopOnSignals(onFirst: (signal: NodeJS.Signals) => void): Stop {
  let first: NodeJS.Signals | null = null;
  let asked = 0;
  const wish = (signal: NodeJS.Signals): void => {
    if (first === null) onFirst(signal);
    first ??= signal;
  };
  const ask = (signal: NodeJS.Signals): void => {
    if (++asked > 1) process.exit(statusOf(signal));
    wish(signal);
  };
  const listeners = [
    ...ASKED.map((signal) => [signal, () => ask(signal)] as const),
    [CLOSED, () => wish(CLOSED)] as const,
  ];
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return {
    get requested() {
      return first !== null;
    },
    get signal() {
      return first;
    },
    release() {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    },
  };
}
