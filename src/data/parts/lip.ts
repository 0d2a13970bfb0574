/**
 * LIP, "Look into Person" (Gong et al., CVPR 2017): persons cut out of COCO with a mask of twenty labels, and lists of the
 * names of each split. Source: https://sysu-hcp.net/lip/.
 */
import { type Folder, type FolderEntry, fileName, filesFrom } from "../folder.ts";
import { textLines } from "../textLines.ts";
import { maskedPictures, maskRegions, masks } from "./maskFolder.ts";
import type { PartFormat } from "./partFormat.ts";

/** The parts of LIP in the order of their labels, 1 to 19; 0 is the background. */
export const LIP_PARTS: readonly string[] =
  /* @__PURE__ */ "Hat Hair Glove Sunglasses UpperClothes Dress Coat Socks Pants Jumpsuits Scarf Skirt Face Left-arm Right-arm Left-leg Right-leg Left-shoe Right-shoe".split(
    " ",
  );

const LISTS = { train: "train_id.txt", test: "val_id.txt" };

const listOf = (folder: Folder, name: string): FolderEntry | undefined =>
  filesFrom(folder).find((file) => fileName(file) === name);

export const lip: PartFormat = {
  name: "LIP",
  get holds() {
    return `TrainVal_images/, TrainVal_parsing_annotations/, ${LISTS.train} and ${LISTS.test}`;
  },
  isIn: (folder) => masks.isIn(folder) && Object.values(LISTS).some((name) => listOf(folder, name)),
  async read(folder, options) {
    const list = listOf(folder, LISTS[options.split]);
    if (!list)
      throw new Error(
        `${options.path}: must hold ${LISTS[options.split]}, the list of LIP's ${options.split} pictures`,
      );
    const names = (await textLines(list)).map((line) => line.trim());
    const pairs = maskedPictures(folder, options, names);
    const partOf = (label: number): number => (label <= LIP_PARTS.length ? label - 1 : -1);
    return { partNames: LIP_PARTS, pictures: await maskRegions(pairs, partOf, options) };
  },
};
