import type { FolderEntry } from "./folder.ts";

/** The part of the platform's TextDecoder that is used (Node and every browser have it). */
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

/** The lines of a UTF-8 text file, whichever system ended them; those that hold nothing are left out. */
export async function textLines(file: FolderEntry): Promise<string[]> {
  const text = new TextDecoder().decode(await file.read());
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}
