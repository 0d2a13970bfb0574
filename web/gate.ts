/** Lets a loop be stopped between two steps, with a clock that stands still meanwhile. */
export class Gate {
  #opened: Promise<void> | null = null;
  #open: () => void = () => {};
  #closedAt = 0;
  #lost = 0;

  /** Milliseconds of open time. */
  now(): number {
    return (this.#opened ? this.#closedAt : performance.now()) - this.#lost;
  }

  close(): void {
    if (this.#opened) return;
    this.#closedAt = performance.now();
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    if (!this.#opened) return;
    this.#lost += performance.now() - this.#closedAt;
    this.#opened = null;
    this.#open();
  }

  /** Handles waiting messages, then waits while the gate is closed. */
  async pass(): Promise<void> {
    await nextTask();
    while (this.#opened) await this.#opened;
  }
}

const { port1, port2 } = new MessageChannel();
const waiting: (() => void)[] = [];
port1.onmessage = () => waiting.shift()?.();

/** Ends the current task, so that messages are handled; unlike a timer this costs microseconds. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(null);
  });
}
