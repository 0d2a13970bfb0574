const STOP: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/** What a shell reports for a program that SIGINT ended. */
const INTERRUPTED = 130;

/**
 * Turns the first SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal was closed) into a wish to stop; the second ends the process at once.
 * `release` gives the signals back.
 */
export function stopOnSignals(onFirst: () => void): { readonly requested: boolean; release(): void } {
  let requested = false;
  const handle = (): void => {
    if (requested) process.exit(INTERRUPTED);
    requested = true;
    onFirst();
  };
  for (const signal of STOP) process.on(signal, handle);
  return {
    get requested() {
      return requested;
    },
    release() {
      for (const signal of STOP) process.off(signal, handle);
    },
  };
}
