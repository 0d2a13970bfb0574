/**
 * The colour map cividis (Nuñez, Anderton and Renslow 2018, doi 10.1371/journal.pone.0199239): lightness rises evenly, and
 * people who see red and green alike see the same map as others.
 */

/** Ten colours at even distances, from least to most. */
const STOPS = [
  [0x00, 0x22, 0x4e],
  [0x12, 0x35, 0x70],
  [0x3b, 0x49, 0x6c],
  [0x57, 0x5d, 0x6d],
  [0x70, 0x71, 0x73],
  [0x8a, 0x86, 0x78],
  [0xa5, 0x9c, 0x74],
  [0xc3, 0xb3, 0x69],
  [0xe1, 0xcc, 0x55],
  [0xfe, 0xe8, 0x38],
] as const;

/** Red, green and blue in [0, 255] of a share, which is held to [0, 1]. */
export function cividis(share: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const below = Math.min(STOPS.length - 2, Math.floor(at));
  const mix = (channel: 0 | 1 | 2) => {
    const [from, to] = [STOPS[below]![channel], STOPS[below + 1]![channel]];
    return Math.round(from + (at - below) * (to - from));
  };
  return [mix(0), mix(1), mix(2)];
}

/** The map from left to right, as CSS. */
export const CIVIDIS_GRADIENT = `linear-gradient(to right, ${STOPS.map((stop) => `rgb(${stop.join(" ")})`).join(", ")})`;
