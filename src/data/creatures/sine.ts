/**
 * Sine and cosine from + - * and floor alone. `Math.sin` may differ in its last bit between engines;
 * these are the same bits everywhere. Angles in degrees, error below 1e-9.
 */

const RADIANS_PER_DEGREE = 0.017453292519943295;

/** sin(degrees), Taylor series to the 13th power after reduction to [-90, 90]. */
export function sine(degrees: number): number {
  let angle = degrees - 360 * Math.floor(degrees / 360 + 0.5);
  if (angle > 90) angle = 180 - angle;
  else if (angle < -90) angle = -180 - angle;
  const x = angle * RADIANS_PER_DEGREE;
  const q = x * x;
  let sum = 1;
  for (let n = 14; n >= 2; n -= 2) sum = 1 - (q * sum) / (n * (n + 1));
  return x * sum;
}

/** cos(degrees) = sin(degrees + 90). */
export const cosine = (degrees: number): number => sine(degrees + 90);
