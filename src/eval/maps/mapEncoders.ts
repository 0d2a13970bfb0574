/**
 * Places of a picture as a Vision Transformer sees them: its patch tokens, or windows that are magnified and encoded each on
 * its own, as in the patch search of "Understanding Self-Supervised Pretraining with Part-Aware Representation Learning"
 * (arXiv 2301.11915, figures 2 and 4; official file `pr_patch_retrieval_imagenet_vis.py`). What differs: windows are magnified
 * at once and in float32, where Pillow rounds to bytes and clips, and no encoder sees its patches shuffled, as MAE does there.
 */
import type { Parameters } from "../../engine/graph/parameters.ts";
import type { Tensor } from "../../engine/graph/tensor.ts";
import { concat } from "../../engine/ops/concat.ts";
import { patchify } from "../../engine/ops/patchify.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { resize } from "../../engine/ops/resize.ts";
import { slice } from "../../engine/ops/slice.ts";
import type { Projection } from "../../models/method.ts";
import { anyVit } from "../../models/relativeVit.ts";
import { classTokensOf, type VitConfig } from "../../models/vit.ts";
import { READINGS, type Reading } from "../features.ts";
import type { MapEncoder } from "./featureMaps.ts";

/** Heads by name, as `Method.projections` has them. */
type Projections<Name extends string> = Readonly<Record<Name, Projection>>;

/** What the encoder says, under this name, beside what heads make of it. */
const ENCODER = "encoder";
type Readings<Name extends string> = MapEncoder<typeof ENCODER | Name>;

/** Patch tokens after the final norm, and each projection of them. Pictures are of any size that patches divide. */
export const patchEncoder = <Name extends string = never>(
  params: Parameters,
  config: VitConfig,
  projections = {} as Projections<Name>,
): Readings<Name> => ({
  encode(images) {
    const { tokens } = anyVit(params, config, images);
    const [batch, height, width] = images.shape as [number, number, number];
    const grid = [batch, height / config.patchSize, width / config.patchSize] as const;
    const patches = slice(tokens, 1, classTokensOf(config), tokens.shape[1]!);
    return withProjections(projections, patches, [...grid, config.embedDim], ({ dim, ofPatches }) =>
      reshape(ofPatches(params, tokens), [...grid, dim]),
    );
  },
});

export interface WindowOptions {
  /** What is read of a window; `mean` as in the paper's figures when absent. */
  reading?: Reading;
  /** Windows along each side; 7 when absent. */
  perSide?: number;
  /** A window's side as a share of the picture's; 1/4 when absent. 1 with `perSide` 1 reads whole pictures: crops. */
  share?: number;
}

/** Windows of pictures, each magnified to the size the encoder was made for, and each projection of them. */
export function windowEncoder<Name extends string = never>(
  params: Parameters,
  config: VitConfig,
  projections = {} as Projections<Name>,
  { reading = "mean", perSide = 7, share = 1 / 4 }: WindowOptions = {},
): Readings<Name> {
  const whole = Number.isInteger(perSide) && perSide >= 1;
  if (!whole || !(share > 0 && share <= 1) || (share === 1) !== (perSide === 1)) {
    throw new Error(
      "windowEncoder: perSide must be a whole number above 1 and share in (0, 1), or both 1; " +
        `got ${perSide} and ${share}`,
    );
  }
  return {
    share,
    encode(images) {
      const output = anyVit(params, config, windowsOf(images, config.imageSize, perSide, share));
      const grid = [images.shape[0]!, perSide, perSide] as const;
      const own = READINGS[reading](output, config, params);
      return withProjections(projections, own, [...grid, own.shape[1]!], ({ dim, of }) =>
        reshape(of(params, output.tokens), [...grid, dim]),
      );
    },
  };
}

/** Square windows, evenly spaced from border to border, row by row. [B, P, P, 3] -> [B perSide², side, side, 3] */
export function windowsOf(images: Tensor, side: number, perSide: number, share: number): Tensor {
  const magnified = Math.round(side / share);
  const large = resize(images, { height: magnified, width: magnified, mode: "bicubic", antialias: true });
  const step = perSide > 1 ? (magnified - side) / (perSide - 1) : 0;
  const starts = Array.from({ length: perSide }, (_, i) => Math.round(i * step));
  const along = (x: Tensor, axis: number) =>
    concat(
      starts.map((start) => slice(x, axis, start, start + side)),
      axis,
    );
  const windows = patchify(along(along(large, 1), 2), side); // [B, perSide², side side 3]
  return reshape(windows, [images.shape[0]! * perSide ** 2, side, side, 3]);
}

/** The encoder's own reading under its name, in this shape, and each projection under its. */
const withProjections = <Name extends string>(
  projections: Projections<Name>,
  own: Tensor,
  shape: readonly number[],
  project: (projection: Projection) => Tensor,
): Readonly<Record<typeof ENCODER | Name, Tensor>> => {
  const named = Object.entries<Projection>(projections).map(([name, one]) => [name, project(one)] as const);
  const all = Object.fromEntries([[ENCODER, reshape(own, shape)], ...named]);
  return all as Record<typeof ENCODER | Name, Tensor>;
};
