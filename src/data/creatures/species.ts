/** Names of the parts. The value 0 of a part mask is "no part"; part `i` of this list has the value i + 1. */
export const PART_NAMES = [
  "body",
  "neck",
  "head",
  "eye",
  "leg",
  "tail",
  "wing",
  "ear",
  "horn",
  "beak",
] as const;

export type PartName = (typeof PART_NAMES)[number];

/** How the parts of a species are shaped and how many there are; null where it has none. */
export interface Species {
  name: string;
  body: "round" | "long";
  neck: "short" | "long";
  head: "round" | "long";
  legs: { count: 0 | 2 | 4; shape: "thin" | "stubby" };
  tail: "fan" | "whip" | "puff";
  wing: boolean;
  ear: "pointed" | "long" | null;
  horn: boolean;
  beak: boolean;
}

/**
 * The ten species. Every shape of every part belongs to two or more of them, so no single part tells the species:
 * it takes the combination, and where the parts are joined.
 */
export const SPECIES: readonly Species[] = [
  species("finch", "round", "short", "round", 2, "thin", "fan", { wing: true, beak: true }),
  species("heron", "round", "long", "round", 2, "thin", "puff", { wing: true, beak: true }),
  species("cat", "long", "short", "round", 4, "stubby", "whip", { ear: "pointed" }),
  species("hare", "round", "short", "round", 2, "stubby", "puff", { ear: "long" }),
  species("goat", "long", "short", "long", 4, "thin", "puff", { ear: "long", horn: true }),
  species("llama", "long", "long", "long", 4, "thin", "whip", { ear: "pointed" }),
  species("griffin", "long", "short", "round", 4, "stubby", "fan", {
    wing: true,
    ear: "pointed",
    beak: true,
  }),
  species("dragon", "long", "long", "long", 2, "stubby", "whip", { wing: true, horn: true }),
  species("fish", "long", "short", "long", 0, "stubby", "fan", { wing: true }),
  species("snail", "round", "long", "round", 0, "stubby", "whip", { horn: true }),
];

function species(
  name: string,
  body: Species["body"],
  neck: Species["neck"],
  head: Species["head"],
  legs: Species["legs"]["count"],
  leg: Species["legs"]["shape"],
  tail: Species["tail"],
  extra: Partial<Pick<Species, "wing" | "ear" | "horn" | "beak">>,
): Species {
  const none = { wing: false, ear: null, horn: false, beak: false };
  return { name, body, neck, head, legs: { count: legs, shape: leg }, tail, ...none, ...extra };
}
