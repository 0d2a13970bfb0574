import type { Decoder } from "./decode.ts";
import { byPath, type Folder, type FolderEntry, fileName } from "./folder.ts";
import type { ImageSet } from "./images.ts";

/** The two halves of a data set: what is learned from, and what is held back. */
export type Split = "train" | "test";

export interface ReadOptions {
  split: Split;
  /** The set's name. */
  name: string;
  /** The folder as the person named it, for errors. */
  path: string;
  /** At most this many pictures, as many of each class as of the others. */
  limit?: number;
  /** Side of the square pictures; their own size when absent. */
  imageSize?: number;
  /** Supplies the picture codec; called where there are files to decode. */
  openDecoder: () => Promise<Decoder>;
  /** Told in one sentence what of the folder is left out, and why. */
  note?: (sentence: string) => void;
  /** Called after each picture that is decoded. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * A layout in which data sets come. One file defines it, one line of the table in `formats.ts` lists it, and from there
 * recognition, reading, help and errors have it.
 */
export interface DataFormat {
  name: string;
  /** What its folder holds, for the help. */
  holds: string;
  /** Whether a folder is of this format, told by names alone. */
  isIn(folder: Folder): boolean;
  /** Reads a split. It may leave `limit` and `imageSize` to the caller where it reads everything anyway. */
  read(folder: Folder, options: ReadOptions): Promise<ImageSet>;
}

/** A format whose files have fixed names and lie in one folder. */
export interface FileFormat {
  name: string;
  holds: string;
  /** Names of the files of pictures, by split. */
  files: Record<Split, RegExp>;
  /** `files` are those of the split by name; `folder` has what goes with them. */
  read(files: readonly FolderEntry[], folder: Folder, options: ReadOptions): Promise<ImageSet>;
}

/** A format of fixed names: told by any of them, read when the split's are there. */
/* @__NO_SIDE_EFFECTS__ */
export function fileFormat({ name, holds, files, read }: FileFormat): DataFormat {
  return {
    name,
    holds,
    isIn: (folder) =>
      folder.files.some((entry) => files.train.test(fileName(entry)) || files.test.test(fileName(entry))),
    read(folder, options) {
      const ofSplit = folder.files.filter((entry) => files[options.split].test(fileName(entry)));
      if (ofSplit.length > 0) return read(ofSplit.sort(byPath), folder, options);
      const got = folder.files.map(fileName).sort().join(", ");
      throw new Error(
        `${options.path}: must hold the ${options.split} files of ${name} for this; got ${got}`,
      );
    },
  };
}
