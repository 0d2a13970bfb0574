import { type Folder, type FolderEntry, fileName, filesFrom, foldersFrom } from "./folder.ts";

/** Endings of the pictures that are read. */
const READ = /\.(jpe?g|jpe|jfif|png|webp)$/i;
/** Endings of pictures that no decoder here reads. */
const UNREAD =
  /\.(avif|bmp|cr2|dcm|dib|dng|exr|gif|hdr|hei[cf]|ico|j2k|jp2|jxl|nef|pbm|pcx|pgm|pnm|ppm|psd|svg|tga|tiff?)$/i;

export type SplitName = "train" | "test" | "val";

/** The names under which splits lie in folders, in any case: also train2017, trainingset, val_images. */
const SPLIT_FOLDERS: Record<SplitName, RegExp> = {
  train: splitFolder("train(ing)?"),
  test: splitFolder("test(ing)?"),
  val: splitFolder("val(id(ation)?)?"),
};

/* @__NO_SIDE_EFFECTS__ */
function splitFolder(name: string): RegExp {
  return new RegExp(`^${name}([-_ ]?(set|split|data|images?|imgs?|\\d{4}))?$`, "i");
}

const splitNameOf = (folder: Folder): SplitName | undefined =>
  (Object.keys(SPLIT_FOLDERS) as SplitName[]).find((name) => SPLIT_FOLDERS[name].test(folder.name));

/** What the folders inside a folder are: splits, classes, or it cannot be told, and why. */
export type Layout =
  | { kind: "splits"; splits: ReadonlyMap<SplitName, Folder> }
  | { kind: "classes" }
  | { kind: "unclear"; why: string };

/** A file with the name of a picture, read here or not. */
export const isPicture = (entry: FolderEntry): boolean =>
  READ.test(fileName(entry)) || UNREAD.test(fileName(entry));

/** Whether any picture, read here or not, lies in the folder or below. */
export function holdsPictures(folder: Folder): boolean {
  for (const { files } of foldersFrom(folder)) if (files.some(isPicture)) return true;
  return false;
}

const picturesIn = ({ folders }: Folder): Folder[] => [...folders.values()].filter(holdsPictures);

/**
 * Tells splits from classes. A folder named train, test or val is a split unless it stands among others and holds no
 * folders itself: then it is a class of that name, as CIFAR-100 and COCO have one.
 */
export function layoutOf(folder: Folder): Layout {
  const inside = picturesIn(folder);
  const named = inside.filter((f) => splitNameOf(f) !== undefined);
  const others = inside.filter((f) => splitNameOf(f) === undefined);
  const splits = new Map(named.map((f) => [splitNameOf(f)!, f]));
  const names = (folders: readonly Folder[]) => nameSome(folders.map(({ name }) => `${name}/`).sort());
  if (named.length === 0) return { kind: "classes" };
  if (splits.size < named.length) {
    return {
      kind: "unclear",
      why: `must have one folder for each split; got ${names(named)}. Move one away`,
    };
  }
  if (others.length > 0 && splits.size === 1) {
    if (picturesIn(named[0]!).length === 0) return { kind: "classes" };
    return {
      kind: "unclear",
      why:
        `must hold either splits or classes; got ${names(named)} beside ${names(others)}. ` +
        `Name ${named[0]!.name}/ itself if it is a split, or move what does not belong to the set`,
    };
  }
  return { kind: "splits", splits };
}

/** Whether a folder is surely a set of splits: it has two of them, or its training pictures lie in classes. */
export function hasSplits(folder: Folder): boolean {
  const layout = layoutOf(folder);
  if (layout.kind !== "splits") return false;
  return layout.splits.size > 1 || [...layout.splits.values()].some((split) => picturesIn(split).length > 0);
}

/** The pictures of one split, or of a set without splits. */
export interface Contents {
  /** Pictures of each class, by path. Empty where there are no class folders. */
  classes: ReadonlyMap<string, readonly FolderEntry[]>;
  /** Pictures directly in the folder. */
  loose: readonly FolderEntry[];
  /** Pictures in formats that are not read. */
  unread: readonly FolderEntry[];
}

export function contentsOf(folder: Folder): Contents {
  const pictures = (files: readonly FolderEntry[]) => files.filter((entry) => READ.test(fileName(entry)));
  const classes = [...folder.folders.values()].map(
    (inside) => [inside.name, pictures(filesFrom(inside))] as const,
  );
  return {
    classes: new Map(classes.filter(([, files]) => files.length > 0)),
    loose: pictures(folder.files),
    unread: filesFrom(folder).filter((entry) => UNREAD.test(fileName(entry))),
  };
}

/** How many files of which endings: `.bmp 10, .gif 2`. */
export function countByEnding(files: readonly FolderEntry[]): string {
  const counts = new Map<string, number>();
  for (const file of files) {
    const ending = UNREAD.exec(fileName(file))?.[0].toLowerCase() ?? "other";
    counts.set(ending, (counts.get(ending) ?? 0) + 1);
  }
  return [...counts].map(([ending, count]) => `${ending} ${count}`).join(", ");
}

/** The first few of many names. */
export const nameSome = (names: readonly string[], most = 3): string =>
  names.length > most ? `${names.slice(0, most).join(", ")}, …` : names.join(", ");
