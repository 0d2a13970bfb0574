import type { FolderEntry } from "./folder.ts";
import { textOf } from "./text.ts";

/** The lines of a UTF-8 text file, whichever system ended them; those that hold nothing are left out. */
export async function textLines(file: FolderEntry): Promise<string[]> {
  const text = textOf(await file.read());
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}
