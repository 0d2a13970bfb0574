/** One file of a folder, as the platform lists it. */
export interface FolderEntry {
  /** Path below the folder, with "/" between its parts. */
  path: string;
  /** The file's bytes. Where the platform can, it reads no more than the first `most`. */
  read(most?: number): Promise<Uint8Array>;
  /** The same bytes in pieces, for files that are not to be in memory as a whole. Absent where the platform has none. */
  pieces?(): AsyncIterable<Uint8Array>;
}

/** A folder as a tree, without what is hidden. */
export interface Folder {
  /** Its own name, in Unicode's composed form (NFC), so that names compare whatever system wrote them. */
  name: string;
  /** Path below the folder that was listed; "" for that folder itself. */
  path: string;
  files: FolderEntry[];
  folders: Map<string, Folder>;
}

/** What systems and tools leave beside pictures; with every name that starts with a dot it is nobody's class. */
const TOOLS =
  /^(__MACOSX|__pycache__|@eaDir|#recycle|\$RECYCLE\.BIN|System Volume Information|lost\+found|Thumbs\.db)$/i;

/** Whether a file or folder of this name is no part of a data set: `._0.png`, `.ipynb_checkpoints`, `__MACOSX`. */
export const isHidden = (name: string): boolean => name.startsWith(".") || TOOLS.test(name);

/** A listing as a tree, whatever its order. Folders whose names differ in Unicode's form only are one. */
export function folderOf(entries: readonly FolderEntry[]): Folder {
  const root: Folder = { name: "", path: "", files: [], folders: new Map() };
  for (const entry of entries) {
    const parts = entry.path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.length === 0 || parts.some(isHidden)) continue;
    parts.slice(0, -1).reduce(folderIn, root).files.push(entry);
  }
  return root;
}

function folderIn(parent: Folder, part: string): Folder {
  const name = part.normalize("NFC");
  let folder = parent.folders.get(name);
  if (!folder) {
    folder = {
      name,
      path: parent.path === "" ? name : `${parent.path}/${name}`,
      files: [],
      folders: new Map(),
    };
    parent.folders.set(name, folder);
  }
  return folder;
}

/** The last part of an entry's path. */
export const fileName = ({ path }: FolderEntry): string => path.slice(path.lastIndexOf("/") + 1);

/** The file of this name directly in the folder. */
export const fileIn = (folder: Folder, name: string): FolderEntry | undefined =>
  folder.files.find((entry) => fileName(entry) === name);

/** A file's bytes in pieces: all in one where the platform gives no smaller ones. */
export async function* piecesOf(entry: FolderEntry): AsyncGenerator<Uint8Array> {
  if (entry.pieces) yield* entry.pieces();
  else yield await entry.read();
}

/** The path of an entry below one of the folders that it lies in. */
export function pathBelow({ path }: Folder, entry: FolderEntry): string {
  const parts = entry.path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.slice(path === "" ? 0 : path.split("/").length).join("/");
}

/** The folder itself and every folder below it down to `depth`, upper ones first. */
export function* foldersFrom(folder: Folder, depth = Number.POSITIVE_INFINITY): Generator<Folder> {
  for (let level = [folder]; level.length > 0 && depth >= 0; depth--) {
    yield* level;
    level = level.flatMap(({ folders }) => [...folders.values()]);
  }
}

/** Every file below a folder. */
export const filesFrom = (folder: Folder): FolderEntry[] =>
  [...foldersFrom(folder)].flatMap(({ files }) => files);

/** One whole file with its name, for readers of several. */
export interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/** Reads files whole. */
export const namedBytes = (entries: readonly FolderEntry[]): Promise<NamedBytes[]> =>
  Promise.all(entries.map(async (entry) => ({ name: fileName(entry), bytes: await entry.read() })));

/** Alphabetical order of paths, by UTF-16 units: the same on every machine. */
export const byPath = (a: FolderEntry, b: FolderEntry): number =>
  a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
