/**
 * What changes with the step: learning rate, weight decay, momentum, temperature. Every function here returns a
 * schedule, a pure function of the step in double precision. Steps count optimiser updates from 0; a fractional epoch e
 * of the papers is step / stepsPerEpoch, so "epochs" in their formulas become steps here unchanged.
 */

/** Value of a setting at a step (0 is the first update; fractions are allowed). */
export type Schedule = (step: number) => number;

function checkSteps(where: string, name: string, value: number, minimum: number): void {
  if (!Number.isFinite(value) || value < minimum) {
    throw new Error(`${where}: ${name} must be a number of at least ${minimum}; got ${value}`);
  }
}

/** value, always. */
export const constant =
  (value: number): Schedule =>
  () =>
    value;

/**
 * from + (to − from)·t/steps, reaching `to` at t = steps and staying there.
 * numpy's linspace(from, to, n) is steps = n − 1 (DINO's teacher temperature, with `perEpoch`).
 */
export function linear({ from, to, steps }: { from: number; to: number; steps: number }): Schedule {
  checkSteps("linear", "steps", steps, 0);
  return (t) => (t <= 0 ? from : t >= steps ? to : from + (to - from) * (t / steps));
}

/**
 * to + (from − to)·½(1 + cos(π t/steps)), reaching `to` at t = steps and staying there.
 * DINO's weight decay, and the decay part of every cosine schedule below.
 */
export function cosine({ from, to, steps }: { from: number; to: number; steps: number }): Schedule {
  checkSteps("cosine", "steps", steps, 0);
  return (t) => {
    if (t >= steps) return to;
    return to + (from - to) * 0.5 * (1 + Math.cos((Math.PI * Math.max(t, 0)) / steps));
  };
}

/**
 * Momentum of an averaged teacher, from `base` to 1: 1 − (1 − base)·½(1 + cos(π t/steps)).
 * MoCo v3 with --moco-m-cos (arXiv:2104.02057, base .99); DINO (arXiv:2104.14294, base .996).
 */
export const cosineMomentum = (base: number, steps: number): Schedule => cosine({ from: base, to: 1, steps });

/** Learning rate that warms up and then decays, in steps. */
export interface Warmup {
  /** Highest value, reached at the end of the warm-up. */
  base: number;
  /** Value at the end; 0 unless given. */
  min?: number;
  warmupSteps: number;
  totalSteps: number;
}

function checkWarmup(where: string, { warmupSteps, totalSteps }: Warmup): void {
  checkSteps(where, "warmupSteps", warmupSteps, 0);
  if (!(totalSteps > warmupSteps)) {
    throw new Error(`${where}: totalSteps must be above warmupSteps ${warmupSteps}; got ${totalSteps}`);
  }
}

/**
 * Linear warm-up from 0, then half a cosine, per iteration. With W = warmupSteps and T = totalSteps:
 *   t < W   base·t/W
 *   else    min + (base − min)·½(1 + cos(π (t − W)/(T − W)))
 * MAE (arXiv:2111.06377, `adjust_learning_rate`) and MoCo v3. The first update has rate 0.
 */
export function warmupCosine(settings: Warmup): Schedule {
  checkWarmup("warmupCosine", settings);
  const { base, min = 0, warmupSteps, totalSteps } = settings;
  const decay = cosine({ from: base, to: min, steps: totalSteps - warmupSteps });
  return (t) => (t < warmupSteps ? (base * t) / warmupSteps : decay(t - warmupSteps));
}

/**
 * DINO's form: the warm-up is numpy's linspace(start, base, W), which reaches base one update before the decay starts,
 *   t < W   start + (base − start)·t/(W − 1)
 *   else    min + (base − min)·½(1 + cos(π (t − W)/(T − W)))
 * DINO (arXiv:2104.14294, `cosine_scheduler`) and iBOT. The last update is one short of min.
 */
export function linspaceCosine(settings: Warmup & { start?: number }): Schedule {
  checkWarmup("linspaceCosine", settings);
  const { base, min = 0, start = 0, warmupSteps, totalSteps } = settings;
  const rise = linear({ from: start, to: base, steps: Math.max(warmupSteps - 1, 0) });
  const decay = cosine({ from: base, to: min, steps: totalSteps - warmupSteps });
  return (t) => (t < warmupSteps ? rise(t) : decay(t - warmupSteps));
}

/**
 * Polynomial decay (base − min)·(1 − t/T)^power + min, during the warm-up multiplied by
 * 1 − (1 − t/W)·(1 − startRatio). The linear segmentation recipe: power 1, startRatio 1e-6, W 1500 of T 160000.
 */
export function warmupPolynomial(settings: Warmup & { power?: number; startRatio?: number }): Schedule {
  checkWarmup("warmupPolynomial", settings);
  const { base, min = 0, power = 1, startRatio = 1e-6, warmupSteps, totalSteps } = settings;
  return (t) => {
    const value = (base - min) * (1 - Math.min(t / totalSteps, 1)) ** power + min;
    return t < warmupSteps ? value * (1 - (1 - t / warmupSteps) * (1 - startRatio)) : value;
  };
}

/**
 * base·factor^n, where n milestones are at or before the step (torch.optim.lr_scheduler.MultiStepLR, gamma = factor).
 * Throws unless milestones rise.
 */
export function piecewise(settings: {
  base: number;
  milestones: readonly number[];
  factor?: number;
}): Schedule {
  const { base, milestones, factor = 0.1 } = settings;
  if (milestones.some((milestone, i) => i > 0 && milestone <= milestones[i - 1]!)) {
    throw new Error(`piecewise: milestones must rise; got ${milestones.join(", ")}`);
  }
  return (t) => base * factor ** milestones.filter((milestone) => milestone <= t).length;
}

/** A schedule in epochs, held still during each of them: t -> schedule(floor(t / stepsPerEpoch)). */
export function perEpoch(schedule: Schedule, stepsPerEpoch: number): Schedule {
  checkSteps("perEpoch", "stepsPerEpoch", stepsPerEpoch, 1);
  return (t) => schedule(Math.floor(t / stepsPerEpoch));
}
