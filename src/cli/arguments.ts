import { InvalidArgumentError } from "commander";

/** Parses a whole number from `least` up to 2^53. */
export const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return value;
  };

/** Parses a number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError("It must be a number above 0.");
  }
  return value;
}

/** Parses whole numbers with commas between: `10,20`. */
export const wholeList = (text: string): number[] => text.split(",").map((part) => whole(1)(part.trim()));
