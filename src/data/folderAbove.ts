import { type Folder, foldersFrom } from "./folder.ts";
import { nameSome } from "./folderLayout.ts";
import { SEARCH_DEPTH } from "./unreadFormats.ts";

/** Throws where what was to be named lies further down: "must be the folder of one data set; got the folder above it". */
export function refuseAbove(folder: Folder, path: string, isSet: (inside: Folder) => boolean): void {
  const below = [...foldersFrom(folder, SEARCH_DEPTH)].filter(isSet);
  if (below.length === 0) return;
  const got = below.length === 1 ? "the folder above it" : `a folder above ${below.length} of them`;
  const paths = below.map((inside) => `${path.replace(/\/+$/, "")}/${inside.path}`);
  throw new Error(
    `${path}: must be the folder of one data set; got ${got}. ` +
      `Name ${below.length === 1 ? "" : "one of "}${nameSome(paths)}`,
  );
}
