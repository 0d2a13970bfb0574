import type { DataFormat } from "./dataFormat.ts";
import { type Folder, type FolderEntry, fileIn, fileName, filesFrom } from "./folder.ts";
import { isPicture } from "./folderLayout.ts";
import { readSplit } from "./imageFolder.ts";
import { textLines } from "./textLines.ts";

const ANNOTATIONS = "val_annotations.txt";

/**
 * Tiny ImageNet as its archive unpacks: `train/<wnid>/images/`, and `val/images/` with the class of each file in
 * `val/val_annotations.txt` (file, wnid, box, separated by tabs). Its test pictures have no labels: val is what is
 * tested on. Source: http://cs231n.stanford.edu/tiny-imagenet-200.zip.
 */
export const tinyImageNet: DataFormat = {
  name: "Tiny ImageNet",
  get holds() {
    return `train/<wnid>/images/ and val/images/ with val/${ANNOTATIONS}, as unpacked`;
  },
  isIn({ folders }) {
    const val = folders.get("val");
    return val ? val.folders.has("images") && fileIn(val, ANNOTATIONS) !== undefined : false;
  },
  async read(folder, options) {
    const val = folder.folders.get("val")!;
    const lines = await textLines(fileIn(val, ANNOTATIONS)!);
    const classOf = new Map(lines.map((line) => line.split("\t").slice(0, 2) as [string, string]));
    const images = val.folders.get("images")!;
    const classes = new Map<string, FolderEntry[]>();
    // Pictures that somebody has sorted into folders of classes already.
    for (const [name, inside] of val.folders) if (inside !== images) classes.set(name, filesFrom(inside));
    for (const entry of images.files.filter(isPicture)) {
      const name = fileName(entry);
      const className = classOf.get(name);
      if (!className)
        throw new Error(`${options.path}: val/${ANNOTATIONS} must name every picture; got no ${name}`);
      classes.set(className, [...(classes.get(className) ?? []), entry]);
    }
    const there = [...classes.values()].reduce((sum, { length }) => sum + length, 0);
    if (classOf.size > there) {
      options.note?.(
        `${options.path}: val/${ANNOTATIONS} names ${classOf.size} pictures; ${there} are there and read`,
      );
    }
    const sorted = new Map<string, Folder>();
    for (const [name, files] of classes) {
      sorted.set(name, { name, path: `val/${name}`, files, folders: new Map() });
    }
    const splits = new Map<string, Folder>([["val", { ...val, files: [], folders: sorted }]]);
    const training = folder.folders.get("train");
    if (training) splits.set("train", training);
    return readSplit({ ...folder, files: [], folders: splits }, options);
  },
};
