/** Those that a person or a scheduler sends to end a program. */
const ASKED: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
/** The terminal was closed: shells and systems send it several times, and none of them is impatience. */
const CLOSED: NodeJS.Signals = "SIGHUP";
/** What a shell reports for a program that SIGINT ended. */
const INTERRUPTED = 130;

/**
 * Turns the first SIGINT (Ctrl-C), SIGTERM or SIGHUP into a wish to stop; a second SIGINT or SIGTERM ends the process at
 * once. `release` gives the signals back.
 */
export function stopOnSignals(onFirst: () => void): { readonly requested: boolean; release(): void } {
  let requested = false;
  let asked = 0;
  const wish = (): void => {
    if (!requested) onFirst();
    requested = true;
  };
  const ask = (): void => {
    if (++asked > 1) process.exit(INTERRUPTED);
    wish();
  };
  for (const signal of ASKED) process.on(signal, ask);
  process.on(CLOSED, wish);
  return {
    get requested() {
      return requested;
    },
    release() {
      for (const signal of ASKED) process.off(signal, ask);
      process.off(CLOSED, wish);
    },
  };
}
