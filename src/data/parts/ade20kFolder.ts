import type { Split } from "../dataFormat.ts";
import { eachAtMost } from "../eachAtMost.ts";
import { byPath, type Folder, type FolderEntry, fileName, filesFrom } from "../folder.ts";
import { PictureFile } from "../pictureFile.ts";
import { decodePng } from "../png.ts";
import {
  type AdeObject,
  type AdePicture,
  adeObjectsOf,
  adeParts,
  decodeAdeMask,
  readAdeAttributes,
  readAdeJson,
} from "./ade20k.ts";
import type { LabelMask } from "./labelMask.ts";
import type { AnnotatedPicture, PartAnnotations, PartFormat, ReadPartsOptions } from "./partFormat.ts";

const SPLITS: Record<Split, RegExp> = { train: /(^|\/)training\//, test: /(^|\/)validation\// };
const SEGMENTS = "_seg.png";

/** What lies beside a picture, by the end of its name: "_seg.png", ".json", ... */
type Beside = (ending: string) => FolderEntry | undefined;

/** Every picture with an annotation, and what lies beside it. */
function annotated(folder: Folder): { picture: FolderEntry; beside: Beside }[] {
  const files = new Map(filesFrom(folder).map((file) => [file.path, file]));
  return [...files.values()].sort(byPath).flatMap((picture) => {
    const stem = /^(.*)\.jpg$/i.exec(picture.path)?.[1];
    const beside: Beside = (ending) => files.get(`${stem}${ending}`);
    return stem !== undefined && beside(SEGMENTS) ? [{ picture, beside }] : [];
  });
}

async function readPicture(beside: Beside): Promise<AdePicture | undefined> {
  const json = beside(".json");
  if (json) return readAdeJson(json.path, await json.read());
  const attributes = beside("_atr.txt");
  if (!attributes) return undefined;
  const levels = [];
  for (const ending of [SEGMENTS, "_parts_1.png", "_parts_2.png", "_parts_3.png"]) {
    const file = beside(ending);
    if (!file) break;
    levels.push(decodeAdeMask(decodePng(new PictureFile(file.path, await file.read(), "PNG"))));
  }
  return adeObjectsOf(readAdeAttributes(attributes.path, await attributes.read()), levels);
}

/** Reads the annotations of both splits, as only all of them know the names. */
async function read(
  folder: Folder,
  { split, path, note, onProgress }: ReadPartsOptions,
): Promise<PartAnnotations> {
  const all = annotated(folder);
  const parts: { name: string; box: AdeObject["box"] }[][] = new Array(all.length).fill([]);
  const sizes: (AnnotatedPicture["annotated"] | undefined)[] = new Array(all.length);
  let nameless = 0;
  let done = 0;
  await eachAtMost(8, all, async ({ beside }, i) => {
    const picture = await readPicture(beside);
    if (picture) {
      parts[i] = adeParts(picture).map(({ name, object }) => ({ name, box: object.box }));
      sizes[i] = { width: picture.width, height: picture.height };
    } else nameless++;
    onProgress?.(++done, all.length);
  });
  if (nameless > 0)
    note?.(`${path}: ${nameless} pictures have no .json or _atr.txt beside them and are left out`);
  const partNames = [...new Set(parts.flat().map(({ name }) => name))].sort();
  const partOf = new Map(partNames.map((name, part) => [name, part]));
  const maskOf = async (beside: Beside): Promise<LabelMask> => {
    const picture = (await readPicture(beside))!;
    const { width, height } = picture;
    const mask = { width, height, labels: new Uint16Array(width * height) };
    const byLevel = adeParts(picture).sort((a, b) => a.object.level - b.object.level);
    for (const { name, object } of byLevel) picture.paint(object, mask, partOf.get(name)! + 1);
    return mask;
  };
  const pictures = all.flatMap(({ picture, beside }, i): AnnotatedPicture[] => {
    if (!SPLITS[split].test(picture.path) || !sizes[i]) return [];
    const regions = parts[i]!.map(({ name, box }) => ({ part: partOf.get(name)!, ...box }));
    return [{ file: picture, annotated: sizes[i], points: [], regions, mask: () => maskOf(beside) }];
  });
  return { partNames, pictures };
}

export const ade20k: PartFormat = {
  name: "ADE20K",
  holds:
    "images/ADE/training/ and images/ADE/validation/ with NAME.jpg, NAME_seg.png and NAME.json or NAME_atr.txt",
  isIn: (folder) => filesFrom(folder).some((file) => fileName(file).endsWith(SEGMENTS)),
  read,
};
