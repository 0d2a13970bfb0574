import type { Split } from "../dataFormat.ts";
import type { Folder, FolderEntry } from "../folder.ts";
import type { PartPoint, PartRegion } from "../partSquares.ts";
import type { LabelMask } from "../png.ts";
import type { Rectangle } from "../resize.ts";

/** A picture and where its parts are. `part` indexes the names of the set. */
export interface AnnotatedPicture {
  file: FolderEntry;
  /** Size of the picture that was annotated, where that is known: the file may hold a scaled copy of it. */
  annotated?: { width: number; height: number };
  /** The box around the object, where one is given: it lies in the picture, but for a little. */
  box?: Rectangle;
  points: PartPoint[];
  regions: PartRegion[];
  /**
   * Reads where its parts are, pixel by pixel: 1 + part, 0 where there is none, IGNORED where that is not known. Absent where only
   * points are known.
   */
  mask?: () => Promise<LabelMask>;
}

/** What a format knows of one split, before any picture is decoded. */
export interface PartAnnotations {
  partNames: readonly string[];
  /** The parts that the paper takes of this set; all of them where it has none. */
  usual?: readonly string[];
  pictures: AnnotatedPicture[];
}

/** The names that are asked for: `parts`, otherwise the usual ones, or all. They may be none of the set's. */
export const askedNames = (
  { partNames, usual }: Pick<PartAnnotations, "partNames" | "usual">,
  parts: ReadPartsOptions["parts"],
): readonly string[] => (parts === "all" ? partNames : (parts ?? usual ?? partNames));

export interface ReadPartsOptions {
  split: Split;
  /** The folder as the person named it, for errors. */
  path: string;
  /** Told in one sentence what is left out, and why. */
  note?: (sentence: string) => void;
  /**
   * Parts that count, in the order of the labels; where they are absent mostly the usual ones. A format may leave out points of
   * others: COCO's files have millions.
   */
  parts?: readonly string[] | "all";
  /** Whether outlines are kept where they come with the annotations, for masks; they take memory. */
  outlines?: boolean;
  /** Called after each file of annotations. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * A layout in which pictures with annotated parts come. One file defines it and one line of the table in `partFormats.ts`
 * lists it.
 */
export interface PartFormat {
  name: string;
  /** What its folder holds, for the help. */
  holds: string;
  /** Whether a folder is of this format, told by names alone. */
  isIn(folder: Folder): boolean;
  /** Reads the annotations of a split. Throws one sentence with the file and the line, byte or index of what is wrong. */
  read(folder: Folder, options: ReadPartsOptions): Promise<PartAnnotations>;
}
