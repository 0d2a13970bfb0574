// Plain text for a terminal.
export { table } from "../../src/cli/system/table.ts";

/** Milliseconds with three digits: `0.0123`, `4.56`, `789`, `3401`. */
export const ms = (value: number): string =>
  value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

/** Bytes as `12.3 MB` of 10^6 bytes. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** A relative error: `1.2e-7`. */
export const scientific = (value: number): string => value.toExponential(1);
