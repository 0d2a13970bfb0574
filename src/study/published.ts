/**
 * The figures that the paper gives, for standing beside ours: arXiv 2301.11915, tables 1 to 4, in per cent, of ViT-B/16 at 224
 * pixels (in segmentation larger), frozen, pretrained on ImageNet-1k for 300 to 1,600 epochs. (Read in the text of the ICLR 2023 submission, OpenReview 3tYvDb4dwab.)
 */
import type { MethodName } from "../models/methods.ts";
import { isPixelScore, type ProbeName } from "./probes.ts";
import type { TargetName } from "./targets.ts";

export const PUBLISHED_SOURCE = "arXiv 2301.11915";

export interface PublishedColumn {
  target: TargetName;
  /** The pictures that were asked about. */
  set: "ImageNet-1k" | "CUB" | "COCO" | "ADE20K" | "ADE20K-Part" | "PASCAL-Part" | "LIP";
  probe: ProbeName;
  /** Whether the encoder was read, or what its loss reads. */
  of: "encoder" | "projection";
  table: 1 | 2 | 3 | 4;
  figures: Readonly<Partial<Record<MethodName, number>>>;
}

/** In the paper's order of rows. */
const METHODS_IN_ORDER = ["supervised", "moco-v3", "dino", "beit", "mae", "cae", "ibot"] as const;

/** A column from its figures in the paper's order; NaN where the paper has a dash. */
const column = (
  about: Omit<PublishedColumn, "figures" | "of"> & Partial<Pick<PublishedColumn, "of">>,
  ...figures: readonly number[]
): PublishedColumn => ({
  of: "encoder",
  ...about,
  figures: Object.fromEntries(
    METHODS_IN_ORDER.map((method, i) => [method, figures[i]!] as const).filter(
      ([, figure]) => !Number.isNaN(figure),
    ),
  ),
});

const objects = { target: "objects", set: "ImageNet-1k", table: 1 } as const;
const cub = { target: "parts", set: "CUB", table: 3 } as const;
const coco = { target: "parts", set: "COCO", table: 3 } as const;
const ade = { target: "objects", set: "ADE20K", table: 2 } as const;
const adeParts = { target: "parts", set: "ADE20K-Part", table: 4 } as const;
const pascal = { target: "parts", set: "PASCAL-Part", table: 4 } as const;
const lip = { target: "parts", set: "LIP", table: 4 } as const;
const none = Number.NaN;

/** Supervised, MoCo v3, DINO, BEiT, MAE, CAE, iBOT. */
export const PUBLISHED: readonly PublishedColumn[] = [
  column({ ...objects, probe: "linear" }, 81.8, 76.2, 77.3, 41.8, 67.8, 70.4, 79.5),
  column({ ...objects, probe: "attentive" }, 81.8, 77.0, 77.8, 51.9, 74.2, 77.1, 79.8),
  column({ ...cub, probe: "retrieval" }, 35.0, 50.8, 48.9, 27.9, 28.5, 58.0, 49.3),
  column({ ...cub, probe: "retrieval", of: "projection" }, none, 28.4, 31.7, none, none, none, 31.2),
  column({ ...coco, probe: "retrieval" }, 44.1, 52.3, 51.8, 35.3, 37.1, 57.0, 59.2),
  column({ ...coco, probe: "retrieval", of: "projection" }, none, 36.8, 41.2, none, none, none, 41.5),
  column({ ...cub, probe: "linear" }, 90.9, 93.8, 93.2, 55.4, 86.9, 89.5, 93.8),
  column({ ...cub, probe: "attentive" }, 92.9, 96.0, 95.2, 86.5, 92.8, 95.8, 95.8),
  column({ ...coco, probe: "linear" }, 88.5, 92.4, 91.7, 69.3, 88.0, 91.1, 92.1),
  column({ ...coco, probe: "attentive" }, 91.4, 95.3, 94.5, 86.5, 93.9, 95.5, 95.1),
  column({ ...ade, probe: "mIoU" }, 34.9, 34.7, 34.5, 17.8, 27.1, 32.6, 38.3),
  column({ ...ade, probe: "mAcc" }, 44.2, 43.9, 43.5, 23.7, 34.8, 42.2, 47.4),
  column({ ...ade, probe: "aAcc" }, 75.4, 75.9, 76.1, 64.9, 71.6, 75.2, 78.1),
  column({ ...adeParts, probe: "mIoU" }, 27.3, 27.1, 28.9, 18.6, 26.3, 28.4, 32.2),
  column({ ...adeParts, probe: "mAcc" }, 34.7, 34.7, 36.8, 25.8, 35.0, 36.9, 40.0),
  column({ ...adeParts, probe: "aAcc" }, 69.2, 70.1, 70.3, 58.2, 67.3, 71.1, 73.4),
  column({ ...pascal, probe: "mIoU" }, 27.4, 27.1, 27.8, 14.8, 24.3, 27.8, 30.7),
  column({ ...pascal, probe: "mAcc" }, 36.1, 35.8, 36.5, 21.4, 32.9, 37.0, 40.0),
  column({ ...pascal, probe: "aAcc" }, 65.8, 66.0, 66.4, 47.0, 61.5, 66.3, 69.7),
  column({ ...lip, probe: "mIoU" }, 41.4, 41.9, 41.0, 27.2, 38.2, 43.7, 44.6),
  column({ ...lip, probe: "mAcc" }, 52.6, 53.0, 51.9, 36.5, 48.7, 55.1, 55.7),
  column({ ...lip, probe: "aAcc" }, 73.5, 74.5, 74.0, 60.1, 71.3, 75.9, 76.6),
];

/**
 * Why a published figure cannot be expected again; null where it can. The official code gives MAE the positions of its patches
 * after it has shuffled them, in retrieval and part classification and nowhere else.
 */
export const doubtOf = (
  { target, probe }: Pick<PublishedColumn, "target" | "probe">,
  method: MethodName,
): string | null =>
  method === "mae" && target === "parts" && !isPixelScore(probe)
    ? "the official code shows MAE the patches of a crop in random places; Partwise shows them where they are"
    : null;
