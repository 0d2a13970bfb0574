/** Gives a promise of the GPU's back, doing meanwhile what helps it: in Node `wait` of `partwise/node`; else nothing. */
export type Wait = <T>(work: Promise<T>) => Promise<T>;
