// Kinds of settings: how a text of the command line becomes a value, or one sentence.

import type { FormerRun, Setting, Settings } from "./method.ts";

/** NaN where the text is none. */
const numberIn = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));
const numbersIn = (text: string): number[] => text.split(",").map(numberIn);

/** A number that `fits`, `wanted` in words. */
function number(
  flag: string,
  help: string,
  value: number,
  wanted: string,
  fits: (x: number) => boolean,
): Setting<number> {
  return {
    flag,
    help,
    value,
    parse(text) {
      const x = numberIn(text);
      if (!fits(x)) throw new Error(`${flag.split(" ")[0]} must be ${wanted}; got ${text}`);
      return x;
    },
  };
}

/* @__NO_SIDE_EFFECTS__ */
export function wholeNumber(flag: string, help: string, value: number, least = 0): Setting<number> {
  return number(
    flag,
    help,
    value,
    `a whole number of at least ${least}`,
    (x) => Number.isSafeInteger(x) && x >= least,
  );
}

/* @__NO_SIDE_EFFECTS__ */
export function positiveNumber(flag: string, help: string, value: number): Setting<number> {
  return number(flag, help, value, "a number above 0", (x) => x > 0 && Number.isFinite(x));
}

/* @__NO_SIDE_EFFECTS__ */
export function positiveOrZero(flag: string, help: string, value: number): Setting<number> {
  return number(flag, help, value, "a number of at least 0", (x) => x >= 0 && Number.isFinite(x));
}

/** In [0, 1]. */
/* @__NO_SIDE_EFFECTS__ */
export function share(flag: string, help: string, value: number): Setting<number> {
  return number(flag, help, value, "a number from 0 to 1", (x) => x >= 0 && x <= 1);
}

/** In [0, 1): of what is dropped something must be left. */
/* @__NO_SIDE_EFFECTS__ */
export function shareBelowOne(flag: string, help: string, value: number): Setting<number> {
  return number(flag, help, value, "a number from 0 to below 1", (x) => x >= 0 && x < 1);
}

/** Least and most of the share that a crop has of a picture's area: two rising numbers in (0, 1], as `0.2,1`. */
/* @__NO_SIDE_EFFECTS__ */
export function areaRange(
  flag: string,
  help: string,
  value: readonly [number, number],
): Setting<readonly [number, number]> {
  return {
    flag,
    help,
    value,
    parse(text) {
      const [low, high, ...rest] = numbersIn(text);
      if (
        low === undefined ||
        high === undefined ||
        rest.length > 0 ||
        !(low > 0 && low <= high && high <= 1)
      ) {
        const name = flag.split(" ")[0];
        throw new Error(`${name} must be two rising numbers above 0 and up to 1, as 0.2,1; got ${text}`);
      }
      return [low, high];
    },
  };
}

/** Numbers from 0 to 1, as many as the default has, in an order that the help says. */
/* @__NO_SIDE_EFFECTS__ */
export function shares<T extends readonly number[]>(flag: string, help: string, value: T): Setting<T> {
  return {
    flag,
    help,
    value,
    parse(text) {
      const found = numbersIn(text);
      if (found.length !== value.length || !found.every((x) => x >= 0 && x <= 1)) {
        throw new Error(
          `${flag.split(" ")[0]} must be ${value.length} numbers from 0 to 1, as ${value.join(",")}; got ${text}`,
        );
      }
      return found as readonly number[] as T; // as many as the default has
    },
  };
}

/** On or off: `--name` turns it on and `--no-name` off, whatever a recipe has. `flag` is the first. */
/* @__NO_SIDE_EFFECTS__ */
export function toggle(flag: string, help: string, value: boolean): Setting<boolean> {
  return {
    flag,
    help,
    value,
    parse: (text) => text === "true",
  };
}

/** A setting that came later than its method, and the value that runs had before. */
/* @__NO_SIDE_EFFECTS__ */
export function addedLater<T>(setting: Setting<T>, before: T): Setting<T> {
  return { ...setting, before };
}

/** A setting that has another name now, and what a value under its former one stands for. */
/* @__NO_SIDE_EFFECTS__ */
export function renamed<T>(
  setting: Setting<T>,
  key: string,
  value: (written: unknown, run: FormerRun) => NoInfer<T> | undefined,
): Setting<T> {
  return { ...setting, former: { key, value } };
}

/** What `pick` says of each setting, where it says something. */
const eachOf = <C extends object>(
  settings: Settings<C>,
  pick: (setting: Setting<unknown>) => unknown,
): Partial<C> =>
  Object.fromEntries(
    Object.entries<Setting<unknown>>(settings as Record<string, Setting<unknown>>)
      .map(([key, setting]) => [key, pick(setting)])
      .filter(([, value]) => value !== undefined),
  ) as Partial<C>;

/** The defaults of a method's settings. */
export const defaultsOf = <C extends object>(settings: Settings<C>): C =>
  eachOf(settings, ({ value }) => value) as C;

/** What a run's file says of a method, in today's words and with what the run had of settings that came later. */
export function inTodaysWords<C extends object>(
  settings: Settings<C>,
  written: object,
  run: FormerRun,
): object {
  const config: Record<string, unknown> = { ...eachOf(settings, ({ before }) => before), ...written };
  for (const [key, { former }] of Object.entries<Setting<unknown>>(
    settings as Record<string, Setting<unknown>>,
  )) {
    if (!former || !(former.key in config)) continue;
    config[key] = former.value(config[former.key], run);
    delete config[former.key];
  }
  return config;
}
