// Places and similarities as a person reads them.
import type { Place } from "../index.ts";
import type { Found } from "./searched.ts";

/** Counted from 1, as people count. */
export const placeText = ({ picture, row, column }: Place): string =>
  `picture ${picture + 1}, row ${row + 1}, column ${column + 1}`;

export const similarityText = (similarity: number): string =>
  similarity.toFixed(2).replace("-", "\u2212").replace("\u22120.00", "0.00");

/** The name of a reading as a title. */
export const titleOf = (reading: string): string => reading[0]!.toUpperCase() + reading.slice(1);

/** What a reading is, for who meets it first. */
export const aboutReading = (reading: string): string =>
  reading === "encoder" ? "What the encoder says of each place." : "What the training's head makes of it.";

/** The best place of each reading, as it is announced. */
export function foundText(found: Found): string {
  const best = Object.entries(found).map(([name, { top }]) => {
    const [first] = top;
    return `${titleOf(name)}: ${first ? `${placeText(first)}, cosine ${similarityText(first.similarity)}` : "nothing"}.`;
  });
  return ["Most alike.", ...best].join(" ");
}
