// jax-js uses iterator helpers, which Node has from version 22 on.

type Each<T, R> = (value: T, index: number) => R;

/** The helpers of the standard, as generators over any iterator. */
export const ITERATOR_HELPERS = {
  *map<T, R>(this: Iterable<T>, each: Each<T, R>) {
    let index = 0;
    for (const value of this) yield each(value, index++);
  },
  *filter<T>(this: Iterable<T>, each: Each<T, boolean>) {
    let index = 0;
    for (const value of this) if (each(value, index++)) yield value;
  },
  *flatMap<T, R>(this: Iterable<T>, each: Each<T, Iterable<R>>) {
    let index = 0;
    for (const value of this) yield* each(value, index++);
  },
  *take<T>(this: Iterable<T>, count: number) {
    let taken = 0;
    if (count > 0)
      for (const value of this) {
        yield value;
        if (++taken >= count) return;
      }
  },
  *drop<T>(this: Iterable<T>, count: number) {
    let index = 0;
    for (const value of this) if (index++ >= count) yield value;
  },
  reduce<T, R>(this: Iterable<T>, ...args: [each: (sum: R, value: T, index: number) => R, first: R]) {
    return Array.from(this).reduce<R>(...args);
  },
  toArray<T>(this: Iterable<T>): T[] {
    return Array.from(this);
  },
  forEach<T>(this: Iterable<T>, each: Each<T, void>): void {
    Array.from(this).forEach(each);
  },
  some<T>(this: Iterable<T>, each: Each<T, boolean>): boolean {
    return Array.from(this).some(each);
  },
  every<T>(this: Iterable<T>, each: Each<T, boolean>): boolean {
    return Array.from(this).every(each);
  },
  find<T>(this: Iterable<T>, each: Each<T, boolean>): T | undefined {
    return Array.from(this).find(each);
  },
};

/** Adds the missing helpers to the prototype of all built-in iterators. */
export function addIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  for (const [name, value] of Object.entries(ITERATOR_HELPERS)) {
    if (!(name in prototype))
      Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}
