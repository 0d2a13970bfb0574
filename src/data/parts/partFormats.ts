import { ade20k } from "./ade20kFolder.ts";
import { coco } from "./cocoFolder.ts";
import { cub } from "./cub.ts";
import { lip } from "./lip.ts";
import { masks } from "./maskFolder.ts";
import type { PartFormat } from "./partFormat.ts";
import { pascalPart } from "./pascalPartFolder.ts";

/** Every format in which pictures with annotated parts are read, in the order in which a folder is tried. */
export const PART_FORMATS: readonly PartFormat[] = [cub, coco, pascalPart, ade20k, lip, masks];
