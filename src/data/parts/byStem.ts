import { byPath, type FolderEntry, fileName } from "../folder.ts";

/** A file's name without its ending: what a picture and its annotation have in common. */
export const stem = (file: FolderEntry): string => fileName(file).replace(/\.[^.]*$/, "");

/** Files by their names without ending. Two of one name are an error. */
export function byStem(files: readonly FolderEntry[]): Map<string, FolderEntry> {
  const found = new Map<string, FolderEntry>();
  for (const file of [...files].sort(byPath)) {
    const other = found.get(stem(file));
    if (other) throw new Error(`${file.path}: must have a name of its own; got that of ${other.path}`);
    found.set(stem(file), file);
  }
  return found;
}
