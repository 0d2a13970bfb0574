import type { Split } from "../dataFormat.ts";
import { eachAtMost } from "../eachAtMost.ts";
import { type Folder, type FolderEntry, fileName, filesFrom } from "../folder.ts";
import { isPicture } from "../folderLayout.ts";
import { textLines } from "../textLines.ts";
import { byStem, stem } from "./byStem.ts";
import type { AnnotatedPicture, PartAnnotations, PartFormat } from "./partFormat.ts";
import { pascalMask, pascalRegions, readPascalPart } from "./pascalPart.ts";

/** The 193 kinds of parts, "car wheel", "person hair": by object as the archive's part2ind.m lists them, those that are numbered once. */
export const PASCAL_PARTS: readonly string[] = /* @__PURE__ */ partsByObject();

function partsByObject(): string[] {
  const legs = "lfuleg lflleg rfuleg rflleg lbuleg lblleg rbuleg rblleg";
  const paws = "lfleg lfpa rfleg rfpa lbleg lbpa rbleg rbpa";
  const vehicle =
    "frontside leftside rightside backside roofside leftmirror rightmirror fliplate bliplate door wheel headlight window";
  const head = "head leye reye lear rear";
  const cattle = `${head} muzzle lhorn rhorn torso neck ${legs} tail`;
  const parts = {
    aeroplane: "body stern lwing rwing tail engine wheel",
    bicycle: "fwheel bwheel saddle handlebar chainwheel headlight",
    bird: "head leye reye beak torso neck lwing rwing lleg lfoot rleg rfoot tail",
    bottle: "cap body",
    bus: vehicle,
    car: vehicle,
    cat: `${head} nose torso neck ${paws} tail`,
    cow: cattle,
    dog: `${head} nose torso neck ${paws} tail muzzle`,
    horse: `${head} muzzle lfho rfho lbho rbho torso neck ${legs} tail`,
    motorbike: "fwheel bwheel handlebar saddle headlight",
    person: `${head} lebrow rebrow nose mouth hair torso neck llarm luarm lhand rlarm ruarm rhand llleg luleg lfoot rlleg ruleg rfoot`,
    pottedplant: "pot plant",
    sheep: cattle,
    train:
      "head hfrontside hleftside hrightside hbackside hroofside headlight coach cfrontside cleftside crightside cbackside croofside",
    tvmonitor: "screen",
  };
  return Object.entries(parts).flatMap(([object, names]) =>
    names.split(" ").map((name) => `${object} ${name}`),
  );
}

const matFiles = (folder: Folder): FolderEntry[] =>
  filesFrom(folder).filter((file) => /\.mat$/i.test(fileName(file)));

/** The pictures: those in folders JPEGImages where there are any, as VOC has masks of the same names beside them. */
function picturesIn(folder: Folder): FolderEntry[] {
  const all = filesFrom(folder).filter(isPicture);
  const own = all.filter(({ path }) => /(^|\/)JPEGImages\//.test(path));
  return own.length > 0 ? own : all;
}

/** The list of a split: VOC's own, or one beside. VOC tests on val. */
function listOf(folder: Folder, split: Split): FolderEntry | undefined {
  const name = split === "train" ? "train.txt" : "val.txt";
  const lists = filesFrom(folder).filter((file) => fileName(file) === name);
  return lists.find(({ path }) => path.includes("Main/")) ?? lists[0];
}

export const pascalPart: PartFormat = {
  name: "PASCAL-Part",
  holds:
    "Annotations_Part/ with .mat files, JPEGImages/, and train.txt and val.txt (VOC 2010's ImageSets/Main)",
  isIn: (folder) => matFiles(folder).length > 0 && filesFrom(folder).some(isPicture),
  async read(folder, { split, path, note, onProgress }): Promise<PartAnnotations> {
    const list = listOf(folder, split);
    if (!list)
      throw new Error(`${path}: must hold train.txt and val.txt, which name the pictures of each split`);
    const names = new Set((await textLines(list)).map((line) => line.trim().split(/\s+/)[0]!));
    const files = byStem(picturesIn(folder));
    const ofSplit = matFiles(folder).filter((file) => names.has(stem(file)));
    const there = ofSplit.filter((file) => files.has(stem(file)));
    if (there.length < ofSplit.length) {
      note?.(
        `${path}: ${ofSplit.length - there.length} annotations to ${split} have no picture and are left out`,
      );
    }
    const pictures: AnnotatedPicture[] = new Array(there.length);
    let unknown = 0;
    let done = 0;
    await eachAtMost(4, there, async (file, i) => {
      const read = async () => readPascalPart(file.path, await file.read());
      const annotation = await read();
      const regions = pascalRegions(annotation).flatMap(({ name, box }) => {
        const part = PASCAL_PARTS.indexOf(name);
        if (part < 0) unknown++;
        return part < 0 ? [] : [{ part, ...box }];
      });
      const mask = annotation.objects[0]?.mask;
      const annotated = mask && { width: mask.width, height: mask.height };
      pictures[i] = {
        file: files.get(stem(file))!,
        annotated,
        points: [],
        regions,
        mask: async () => pascalMask(await read(), PASCAL_PARTS),
      };
      onProgress?.(++done, there.length);
    });
    if (unknown > 0)
      note?.(`${path}: ${unknown} parts to ${split} are left out whose kinds PASCAL-Part does not list`);
    return { partNames: PASCAL_PARTS, pictures };
  },
};
