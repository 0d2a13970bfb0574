import { balanced } from "./balanced.ts";
import { byPath, type Folder, type FolderEntry, filesFrom } from "./folder.ts";
import {
  type Contents,
  contentsOf,
  countByEnding,
  isPicture,
  layoutOf,
  nameSome,
  type SplitName,
} from "./folderLayout.ts";

export interface ChoiceOptions {
  /** Which split to read. Needed where the folder has them, not allowed where it has none. */
  split?: SplitName;
  /** At most this many pictures of each class, the first by name. */
  maxPerClass?: number;
  /** At most this many pictures, as many of each class as of the others (see `balanced`), the first by name. */
  limit?: number;
  /** Told in one sentence what of the folder is left out, and why. */
  note?: (sentence: string) => void;
}

/** The pictures that are read, in order, with their labels, and the names of all classes. */
export interface Choice {
  entries: readonly FolderEntry[];
  labels: Int32Array;
  classes: readonly string[];
}

type Splits = ReadonlyMap<SplitName, Folder>;

/** Chooses the pictures of one split; `name` is used in errors. Throws where there are none. */
export function choosePictures(name: string, folder: Folder, options: ChoiceOptions): Choice {
  const { split, maxPerClass = Number.POSITIVE_INFINITY, limit } = options;
  const { read, splits } = folderOfSplit(name, folder, split);
  const contents = contentsOf(read);
  const isFlat = contents.classes.size === 0;
  const classes = isFlat ? [] : classNames(name, contents, split, splits);
  const entries: FolderEntry[] = [];
  const labels: number[] = [];
  const take = (files: readonly FolderEntry[], label: number, most: number): void => {
    for (const entry of [...files].sort(byPath).slice(0, most)) {
      entries.push(entry);
      labels.push(label);
    }
  };
  classes.forEach((className, label) => {
    take(contents.classes.get(className) ?? [], label, maxPerClass);
  });
  if (isFlat) take(contents.loose, -1, Number.POSITIVE_INFINITY);
  if (entries.length === 0) throw new Error(`${name}: ${nothingIn(read, contents, split)}`);
  noteWhatIsLeft(name, folder, contents, splits, options);
  const chosen = balanced(labels, limit ?? labels.length);
  return {
    entries: Array.from(chosen, (i) => entries[i]!),
    labels: Int32Array.from(chosen, (i) => labels[i]!),
    classes,
  };
}

/** The folder to read, and the splits that the whole has. */
function folderOfSplit(
  name: string,
  folder: Folder,
  split: SplitName | undefined,
): { read: Folder; splits: Splits } {
  const layout = layoutOf(folder);
  if (layout.kind === "unclear") throw new Error(`${name}: ${layout.why}.`);
  const splits: Splits = layout.kind === "splits" ? layout.splits : new Map();
  const read = split === undefined && splits.size === 0 ? folder : split && splits.get(split);
  if (read) return { read, splits };
  throw new Error(
    `${name}: needs pictures in ${split ?? "<split>"}/<class>/; got splits: ${[...splits.keys()].join(", ") || "none"}. ` +
      (split ? "Check the folder and the split." : "Name the split to read."),
  );
}

/**
 * The classes of a set in alphabetical order: those of the split that is read, of the training split, and of others that
 * share any with it. Throws where the split that is read shares none: its labels would mean nothing.
 */
function classNames(name: string, own: Contents, split: SplitName | undefined, splits: Splits): string[] {
  const all = new Set(own.classes.keys());
  const training = splits.get("train");
  const known = training ? contentsOf(training).classes : own.classes;
  const shares = ({ classes }: Contents): boolean => [...classes.keys()].some((c) => known.has(c));
  if (known.size > 0 && !shares(own)) {
    throw new Error(
      `${name}: ${split}/ must have classes of train/ (${nameSome([...known.keys()].sort())}); ` +
        `got ${nameSome([...all].sort())}. Are its pictures sorted into class folders?`,
    );
  }
  for (const other of splits.values()) {
    const contents = contentsOf(other);
    if (shares(contents)) for (const className of contents.classes.keys()) all.add(className);
  }
  return [...all].sort();
}

function nothingIn(read: Folder, { unread }: Contents, split: SplitName | undefined): string {
  const where = split ? `${split}/<class>/` : "<class>/";
  const got = `got 0 pictures among ${filesFrom(read).length} files`;
  return `needs JPEG, PNG or WebP files in ${where}; ${got}${
    unread.length > 0 ? ` (${countByEnding(unread)}). Convert them.` : ". Check the folder."
  }`;
}

function noteWhatIsLeft(
  name: string,
  folder: Folder,
  { classes, loose, unread }: Contents,
  splits: Splits,
  { note }: ChoiceOptions,
): void {
  const leftOut = (files: readonly FolderEntry[], why: string): void => {
    if (files.length === 0) return;
    note?.(`${name}: ${files.length} ${files.length === 1 ? "picture is" : "pictures are"} left out, ${why}`);
  };
  const some = (files: readonly FolderEntry[]): string => nameSome(files.map(({ path }) => path).sort());
  leftOut(unread, `in formats that are not read (${countByEnding(unread)}): convert to JPEG, PNG or WebP`);
  if (classes.size > 0) leftOut(loose, `in no class folder (${some(loose)})`);
  if (splits.size === 0) return;
  const inSplits = new Set([...splits.values()].flatMap(filesFrom));
  const beside = filesFrom(folder).filter((file) => isPicture(file) && !inSplits.has(file));
  leftOut(beside, `in none of the splits (${some(beside)})`);
}
