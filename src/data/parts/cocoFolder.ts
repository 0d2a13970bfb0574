import type { Split } from "../dataFormat.ts";
import { byPath, type Folder, type FolderEntry, fileName, filesFrom, piecesOf } from "../folder.ts";
import { isPicture, nameSome, type SplitName } from "../folderLayout.ts";
import { type CocoNames, cocoNames, cocoObjects, cocoPartNames, cocoPlaces } from "./coco.ts";
import { type Labelled, labelledOf, maskOf } from "./cocoMask.ts";
import { type AnnotatedPicture, askedNames, type PartAnnotations, type PartFormat } from "./partFormat.ts";

/** How files and folders of each split are called; `trainval` is neither. */
const SPLIT_NAMES: Record<SplitName, RegExp> = {
  train: /train(?!_?val)/i,
  test: /test/i,
  val: /(?<!train_?)val/i,
};
/** COCO tests on val, AP-10K and others have a test split. */
const OF_SPLIT: Record<Split, SplitName[]> = { train: ["train"], test: ["test", "val"] };

/** The split that a path names: its last part decides, folders only where what is in them does not. */
function splitNameOf(path: string): SplitName | undefined {
  const names = Object.keys(SPLIT_NAMES) as SplitName[];
  for (const part of path.split("/").reverse()) {
    const found = names.find((name) => SPLIT_NAMES[name].test(part));
    if (found) return found;
  }
  return undefined;
}

/** COCO's files that have no parts. */
const WITHOUT_PARTS = /captions_|image_info|stuff_|panoptic_/i;

/** The parts of the paper where they are persons', in the order of its labels. */
const USUAL = ["nose", "right_wrist", "left_ankle"];

const isCocoFile = (file: FolderEntry): boolean =>
  /\.json$/i.test(fileName(file)) && /annotation|keypoint/i.test(file.path) && !WITHOUT_PARTS.test(file.path);

/** The files of annotations of a split, those of keypoints first. */
function filesOf(folder: Folder, split: Split): FolderEntry[] {
  const all = filesFrom(folder).filter(isCocoFile).sort(byPath);
  for (const name of OF_SPLIT[split]) {
    const own = all.filter(({ path }) => splitNameOf(path) === name);
    const isOfPoints = (file: FolderEntry) => (/keypoint/i.test(fileName(file)) ? 0 : 1);
    if (own.length > 0) return own.sort((a, b) => isOfPoints(a) - isOfPoints(b));
  }
  return [];
}

/** Finds the file of a picture by the name in the annotations, which may lack folders: the one in folders of the split first. */
function pictureFinder(folder: Folder, split: SplitName): (name: string) => FolderEntry | undefined {
  const byName = new Map<string, FolderEntry[]>();
  for (const file of filesFrom(folder)) {
    if (!isPicture(file)) continue;
    const others = byName.get(fileName(file));
    if (others) others.push(file);
    else byName.set(fileName(file), [file]);
  }
  return (name) => {
    const found = (byName.get(name.slice(name.lastIndexOf("/") + 1)) ?? []).filter(
      ({ path }) => path === name || path.endsWith(`/${name}`),
    );
    const own = found.find(({ path }) => splitNameOf(path.slice(0, path.lastIndexOf("/") + 1)) === split);
    return own ?? found[0];
  };
}

/** The parts of a file: those of the training file first, in its order, so that a label is the same part in both splits. */
async function partNamesOf(folder: Folder, file: FolderEntry, names: CocoNames): Promise<string[]> {
  const own = cocoPartNames(names);
  const [training] = filesOf(folder, "train");
  if (!training || training === file) return own;
  const known = cocoPartNames(await cocoNames(training.path, () => piecesOf(training)));
  return [...new Set([...known, ...own])];
}

export const coco: PartFormat = {
  name: "COCO",
  holds:
    "JSON files of annotations for train and val or test, with keypoints or outlines of parts, and the pictures",
  isIn: (folder) => filesOf(folder, "train").length + filesOf(folder, "test").length > 0,
  async read(folder, { split, path, note, parts, outlines: keepsOutlines }): Promise<PartAnnotations> {
    const [file, ...others] = filesOf(folder, split);
    if (!file)
      throw new Error(`${path}: must hold a JSON file of annotations to ${split}; got none of that name`);
    if (others.length > 0) {
      note?.(`${path}: ${file.path} is read; left out are ${nameSome(others.map((other) => other.path))}`);
    }
    const pieces = () => piecesOf(file);
    const names = await cocoNames(file.path, pieces);
    const partNames = await partNamesOf(folder, file, names);
    const usual = USUAL.every((part) => partNames.includes(part)) ? USUAL : undefined;
    const asked = askedNames({ partNames, usual }, parts);
    const isAsked = partNames.map((name) => asked.includes(name));
    const find = pictureFinder(folder, splitNameOf(file.path)!);
    const pictures = new Map<number, (AnnotatedPicture & { shapes: Labelled[] }) | undefined>();
    const missing = new Set<number>();
    let [crowds, unlined] = [0, 0];
    for await (const object of cocoObjects(file.path, pieces, names)) {
      const { id, fileName, width, height } = object.picture;
      const labelled = keepsOutlines ? labelledOf(object, partNames, asked) : undefined;
      if (object.isCrowd && object.category.keypoints.length === 0) crowds++;
      const { points: seen, regions } = cocoPlaces(object, partNames);
      const points = seen.filter(({ part }) => isAsked[part]);
      const hasPlace = points.length + regions.length > 0;
      if (!hasPlace && !labelled) continue;
      if (!pictures.has(id)) {
        const found = find(fileName);
        const shapes: Labelled[] = [];
        pictures.set(
          id,
          found && {
            ...{ file: found, annotated: { width, height }, points: [], regions: [], shapes },
            ...(keepsOutlines && { mask: async () => maskOf(object.picture, shapes) }),
          },
        );
      }
      const picture = pictures.get(id);
      if (!picture && hasPlace) missing.add(id);
      picture?.points.push(...points);
      picture?.regions.push(...regions);
      if (picture && labelled) picture.shapes.push(labelled);
      if (picture && labelled && !object.isCrowd && !object.shape) unlined++;
    }
    if (missing.size > 0) {
      const some = nameSome([...missing].map((id) => names.pictures.get(id)!.fileName));
      note?.(`${path}: ${missing.size} pictures of ${file.path} are not there and left out (${some})`);
    }
    if (crowds > 0) {
      const pixels = keepsOutlines ? ", and their pixels are ignored" : "";
      note?.(
        `${path}: ${crowds} crowds of ${file.path} are no parts${pixels}: they outline many objects at once`,
      );
    }
    if (unlined > 0)
      note?.(
        `${path}: ${unlined} parts of ${file.path} have no outline: the pixels of their boxes are ignored`,
      );
    const read = [...pictures.values()].flatMap((picture) => picture ?? []);
    return {
      partNames,
      usual,
      pictures: read.filter(({ points, regions }) => points.length + regions.length > 0),
    };
  },
};
