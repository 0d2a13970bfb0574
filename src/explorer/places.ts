// Which places of pictures can be compared: what the encoder makes its tokens of, or windows that it sees one at a time.

/** Windows by the side they have, as a share of the picture's. `quarter` has the paper's. */
const SHARES = { quarter: 1 / 4, third: 1 / 3, half: 1 / 2 } as const;

/** `patches`, or windows of a `quarter`, a `third` or a `half` of the picture's side. */
export type Places = "patches" | keyof typeof SHARES;

/** The choices as a person reads them. */
export const PLACES: Readonly<Record<Places, string>> = {
  patches: "Patches",
  quarter: "Windows, ¼ of the side",
  third: "Windows, ⅓ of the side",
  half: "Windows, ½ of the side",
};

/** How windows lie, a half of their side apart: 7 x 7 quarters, 5 x 5 thirds, 3 x 3 halves; null for patches. */
export function windowsAs(places: Places): { share: number; perSide: number } | null {
  if (places === "patches") return null;
  const share = SHARES[places];
  return { share, perSide: Math.round(2 / share) - 1 };
}

/** Throws unless there are places of this name, which a page may have from anywhere. */
export function checkPlaces(name: string): asserts name is Places {
  if (Object.hasOwn(PLACES, name)) return;
  throw new Error(`explorer: places must be one of ${Object.keys(PLACES).join(", ")}; got ${name}`);
}
