/** What the training page may be doing. */
interface Doing {
  /** What the button that begins, pauses and resumes says. */
  act: string;
  /** Whether it does something. */
  acts: boolean;
  status: string;
  /** Whether a person waits for it, who would have to begin again. */
  goesOn: boolean;
}

export const STATES = {
  idle: { act: "Start", acts: true, status: "Ready", goesOn: false },
  profiling: { act: "Start", acts: false, status: "Profiling", goesOn: false },
  tuning: { act: "Start", acts: false, status: "Tuning", goesOn: true },
  preparing: { act: "Preparing …", acts: false, status: "Preparing", goesOn: true },
  running: { act: "Pause", acts: true, status: "Training", goesOn: true },
  paused: { act: "Resume", acts: true, status: "Paused", goesOn: true },
  finished: { act: "Finished", acts: false, status: "Finished", goesOn: false },
  failed: { act: "Stopped", acts: false, status: "Stopped", goesOn: false },
} as const satisfies Record<string, Doing>;

export type State = keyof typeof STATES;
