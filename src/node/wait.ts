// How a program in Node waits for Dawn. While a promise of its is open, Dawn asks the driver for finished work in every
// turn of the event loop, some 70,000 times a second: a whole core, which a software adapter needs for computing (on two
// cores a quarter to two fifths of a wait) and any other machine for anything else.

/** The longest nap: what a wait may end late, and how long the event loop may stand still. */
const LONGEST_MS = 1;
/** A nap is this part of the time waited so far, so a short wait ends as promptly as without. */
const SHARE = 1 / 16;
/** A turn of the event loop that took longer did something besides polling: a program that works is not held up. */
const IDLE_TURN_MS = 0.1;

const cell = new Int32Array(new SharedArrayBuffer(4));
let open = 0;
let latest = 0;
let turnedAt = 0;
let isTurning = false;

/**
 * Gives `work` back, and until it settles lets the thread nap in every idle turn of the event loop; several waits share
 * their naps. For `Device.open(gpu, { wait })` in Node. Timers, signals and other input come up to a millisecond late meanwhile.
 */
export function wait<T>(work: Promise<T>): Promise<T> {
  const settled = () => {
    open--;
  };
  work.then(settled, settled);
  open++;
  latest = performance.now();
  if (!isTurning) setImmediate(turn);
  isTurning = true;
  return work;
}

function turn(): void {
  isTurning = open > 0;
  if (!isTurning) return;
  const now = performance.now();
  if (now - turnedAt < IDLE_TURN_MS) Atomics.wait(cell, 0, 0, Math.min(LONGEST_MS, (now - latest) * SHARE));
  turnedAt = performance.now();
  setImmediate(turn);
}
