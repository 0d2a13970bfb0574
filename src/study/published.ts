/**
 * The figures that the paper gives, for standing beside ours: arXiv 2301.11915, tables 1 and 3, in per cent, of ViT-B/16 at 224
 * pixels, frozen, pretrained on ImageNet-1k for 300 to 1,600 epochs. (Read in the text of the ICLR 2023 submission, OpenReview 3tYvDb4dwab.)
 */
import type { MethodName } from "../models/methods.ts";
import type { TargetName } from "./targets.ts";

export const PUBLISHED_SOURCE = "arXiv 2301.11915";

export interface PublishedColumn {
  target: TargetName;
  /** The pictures that were asked about. */
  set: "ImageNet-1k" | "CUB" | "COCO";
  probe: "linear" | "attentive" | "retrieval";
  /** Whether the encoder was read, or what its loss reads. */
  of: "encoder" | "projection";
  table: 1 | 3;
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
];

/**
 * Why a published figure cannot be expected again; null where it can. The official code gives MAE the positions of its patches
 * after it has shuffled them, in retrieval and part classification and nowhere else.
 */
export const doubtOf = ({ target }: Pick<PublishedColumn, "target">, method: MethodName): string | null =>
  method === "mae" && target === "parts"
    ? "the official code shows MAE the patches of a crop in random places; Partwise shows them where they are"
    : null;
