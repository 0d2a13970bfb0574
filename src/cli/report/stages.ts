import { printLine } from "../output.ts";
import { ProgressLine } from "../progress.ts";
import type { Stage } from "./data.ts";

/** Times the stages of the job and says on the terminal which one runs. */
export class Stages {
  readonly #count: number;
  readonly #line = new ProgressLine();
  readonly #stages: Stage[] = [];
  readonly #begun = performance.now();

  /** A job of `count` stages. */
  constructor(count: number) {
    this.#count = count;
  }

  /** A text about the stage that runs. */
  show = (text: string): void => this.#line.show(text);

  /** Runs the next stage. */
  async run<T>(name: string, action: () => Promise<T>): Promise<T> {
    printLine(`[${this.#stages.length + 1}/${this.#count}] ${name}`);
    const begun = performance.now();
    try {
      return await action();
    } finally {
      this.#line.end();
      this.#stages.push({ name, seconds: (performance.now() - begun) / 1000 });
    }
  }

  /** The stages so far, and the time since the job began. */
  timing(): { stages: readonly Stage[]; totalSeconds: number } {
    return { stages: this.#stages, totalSeconds: (performance.now() - this.#begun) / 1000 };
  }
}
