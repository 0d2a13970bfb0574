/** Bytes that may wait for reuse in any case. */
const ALWAYS_ALLOWED = 16 * 2 ** 20;

/** Changes after which what was in use before is forgotten. */
const WINDOW = 4096;

/** The most and the fewest bytes in use during a while. */
interface Extent {
  most: number;
  least: number;
}

/**
 * Released buffers that wait to be used again, by exact size. What may wait is bounded by twice what a program takes and
 * gives back in turn (two sets of sizes that alternate both fit), not by what it once held.
 */
export class Pool {
  /** The size least recently used first. */
  readonly #waiting = new Map<number, GPUBuffer[]>();
  #idle = 0;
  #inUse = 0;
  #now: Extent = { most: 0, least: 0 };
  #before: Extent = { most: 0, least: 0 };
  #changes = 0;

  /** A waiting buffer of this size, if there is one; either way so many bytes more are in use. */
  take(size: number): GPUBuffer | undefined {
    this.#use(size);
    const waiting = this.#waiting.get(size);
    const buffer = waiting?.pop();
    if (waiting?.length === 0) this.#waiting.delete(size);
    if (buffer) this.#idle -= size;
    return buffer;
  }

  /** Takes a buffer back and gives out those that there is no room for, which the caller destroys. */
  give(buffer: GPUBuffer): GPUBuffer[] {
    const { size } = buffer;
    this.#use(-size);
    const waiting = this.#waiting.get(size) ?? [];
    waiting.push(buffer);
    this.#waiting.delete(size); // to stand last
    this.#waiting.set(size, waiting);
    this.#idle += size;
    const surplus: GPUBuffer[] = [];
    while (this.#idle > this.#allowed) surplus.push(this.#oldest());
    return surplus;
  }

  /** Gives out all that waits. */
  empty(): GPUBuffer[] {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#idle = 0;
    return all;
  }

  get #allowed(): number {
    const swing = Math.max(this.#now.most, this.#before.most) - Math.min(this.#now.least, this.#before.least);
    return Math.max(ALWAYS_ALLOWED, 2 * swing);
  }

  #oldest(): GPUBuffer {
    const [size, waiting] = this.#waiting.entries().next().value!;
    const buffer = waiting.shift()!;
    if (waiting.length === 0) this.#waiting.delete(size);
    this.#idle -= size;
    return buffer;
  }

  #use(bytes: number): void {
    this.#inUse += bytes;
    if (++this.#changes === WINDOW) {
      this.#before = this.#now;
      this.#now = { most: this.#inUse, least: this.#inUse };
      this.#changes = 0;
    }
    this.#now.most = Math.max(this.#now.most, this.#inUse);
    this.#now.least = Math.min(this.#now.least, this.#inUse);
  }
}
