import { nameSome } from "./folderLayout.ts";
import type { ImageSet } from "./images.ts";

/** Throws unless every picture has a label. */
export function checkLabelled({ name, count, labels }: ImageSet): void {
  const without = labels.filter((label) => label < 0).length;
  if (without > 0) {
    throw new Error(
      `${name}: every picture must have a label for an evaluation; got ${without} of ${count} without. ` +
        "Sort them into class folders",
    );
  }
}

/** Throws unless a label means the same in both. */
export function checkClasses(train: ImageSet, test: ImageSet): void {
  const other = test.classes.findIndex((name, i) => name !== (train.classes[i] ?? name));
  if (other < 0) return;
  throw new Error(
    `${test.name}: label ${other} must be of class ${train.classes[other]} as in ${train.name}; got ${test.classes[other]}. ` +
      "Name the same classes for both",
  );
}

/** Throws unless an encoder can be evaluated on the two: labels in both that mean the same, and classes of one kind. Notes what cannot be hit. */
export function checkEvaluation(train: ImageSet, test: ImageSet, note?: (sentence: string) => void): void {
  for (const set of [train, test]) checkLabelled(set);
  checkClasses(train, test);
  const known = new Set(train.labels);
  const strange = new Set(test.labels.filter((label) => !known.has(label)));
  const names = (labels: Iterable<number>) =>
    nameSome([...labels].map((label) => test.classes[label]!).sort());
  if (known.size < 2) {
    throw new Error(
      `${train.name}: must have two classes or more for an evaluation; got ${names(known)} alone`,
    );
  }
  if (strange.size === new Set(test.labels).size) {
    throw new Error(
      `${test.name}: its classes must be among those of ${train.name}; got ${names(strange)}, none of them. ` +
        "Are both of one data set, and is --limit large enough?",
    );
  }
  if (strange.size > 0) {
    const count = test.labels.filter((label) => strange.has(label)).length;
    note?.(
      `${test.name}: ${count} of ${test.count} pictures are of classes without training pictures (${names(strange)}): they count as wrong`,
    );
  }
}
