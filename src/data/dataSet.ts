import { balanced } from "./balanced.ts";
import type { DataFormat, ReadOptions } from "./dataFormat.ts";
import { type Folder, type FolderEntry, filesFrom, folderOf } from "./folder.ts";
import { refuseAbove } from "./folderAbove.ts";
import { contentsOf, nameSome } from "./folderLayout.ts";
import { FORMATS, LAST_FORMAT } from "./formats.ts";
import { bytesPerImage, checkPixelBytes, type ImageSet, pictureAt, subset } from "./images.ts";
import { PART_FORMATS } from "./parts/partFormats.ts";
import { fitSquare } from "./resize.ts";
import { knownAndUnread } from "./unreadFormats.ts";

/**
 * Reads a split of a folder in any of the formats of the table. What is wrong with the folder is one sentence: what it
 * must be, what it is, and which folder to name or what to download instead.
 */
export async function readDataSet(entries: readonly FolderEntry[], options: ReadOptions): Promise<ImageSet> {
  const { path, split, limit, imageSize, note } = options;
  const folder = folderOf(entries);
  const format = formatOf(folder, path);
  if (format === LAST_FORMAT) noteParts(folder, path, note);
  const set = await format.read(folder, options);
  if (set.count === 0) throw new Error(`${path}: must hold a picture to ${split}; got none`);
  const limited = limit === undefined || limit >= set.count ? set : subset(set, balanced(set.labels, limit));
  return imageSize === undefined ? limited : scaled(limited, imageSize);
}

function formatOf(folder: Folder, path: string): DataFormat {
  const format = FORMATS.find(({ isIn }) => isIn(folder));
  if (format) return format;
  refuseAbove(folder, path, (inside) => FORMATS.some(({ isIn }) => isIn(inside)));
  if (LAST_FORMAT.isIn(folder)) return LAST_FORMAT;
  const got =
    knownAndUnread(folder) ??
    `got 0 pictures among ${filesFrom(folder).length} files. Check the folder, or see --help for what is read`;
  throw new Error(`${path}: must hold JPEG, PNG or WebP files or a data set's own; ${got}`);
}

/** Folders of annotated parts are read as whole pictures, too, but their first folders are hardly classes. */
function noteParts(folder: Folder, path: string, note: ReadOptions["note"]): void {
  const parts = PART_FORMATS.find(({ isIn }) => isIn(folder));
  const classes = [...contentsOf(folder).classes.keys()].sort();
  if (!parts || classes.length === 0) return;
  note?.(
    `${path}: pictures with parts as ${parts.name} has them are read as whole ones, of class ${nameSome(classes)}. ` +
      `Name ${path.replace(/\/+$/, "")}/${classes[0]} for the classes in it, or add --parts`,
  );
}

/** Every picture with its shorter side scaled to `size`, the middle square of it. */
function scaled(set: ImageSet, size: number): ImageSet {
  const { width, height, count } = set;
  if (width === size && height === size) return set;
  checkPixelBytes(set.name, count, { width: size, height: size });
  const result: ImageSet = {
    ...set,
    width: size,
    height: size,
    pixels: new Uint8Array(count * size * size * 3),
  };
  for (let i = 0; i < count; i++) {
    result.pixels.set(fitSquare(pictureAt(set, i), size).pixels, i * bytesPerImage(result));
  }
  return result;
}
