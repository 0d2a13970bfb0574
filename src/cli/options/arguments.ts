import { InvalidArgumentError } from "commander";

/** Steps, pictures and the like are counted in 32 bits on the GPU. */
const MOST_COUNT = 2 ** 32 - 1;

/** Parses a whole number from `least` up to `most`, digits alone. */
export const whole =
  (least: number, most = MOST_COUNT) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    if (value > most) throw new InvalidArgumentError(`It must be at most ${most}.`);
    return value;
  };

/** Parses the seed of random numbers, 0 to 2^53. */
export const seed = whole(0, Number.MAX_SAFE_INTEGER);

/** Parses a number above 0 that float32 can hold, in decimal: `0.05`, `1.5e-4`. */
export function positive(text: string): number {
  const value = Number(text);
  if (!/^[+]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || value <= 0) {
    throw new InvalidArgumentError("It must be a number above 0.");
  }
  const held = Math.fround(value);
  if (held === 0 || held === Number.POSITIVE_INFINITY) {
    throw new InvalidArgumentError("It must be a number above 0 that float32 holds, 1.4e-45 to 3.4e38.");
  }
  return value;
}

/** Parses whole numbers with commas between: `10,20`. */
export const wholeList = (text: string): number[] => text.split(",").map((part) => whole(1)(part.trim()));

/** Parses the path of a file or folder. */
export function path(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}
