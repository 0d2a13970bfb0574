// What an encoder says of every patch of pictures, without a page.
import {
  type Device,
  type FeatureMaps,
  featureMaps,
  IMAGENET_STATISTICS,
  type ImageSet,
  patchEncoder,
  resizePicture,
  type SavedEncoder,
} from "../index.ts";

/** Pictures of a run of the encoder: few, since a page shows few and shares its GPU with the screen. */
const BATCH = 16;

/** Features of patches by the name of their reading: `encoder`, and a projection. */
export type PatchMaps = Readonly<Record<string, FeatureMaps>>;

/**
 * Reads every patch of square pictures, which the encoder sees scaled to its own size, by the encoder and by one of its
 * projections, or by the encoder alone.
 */
export function patchMaps(
  device: Device,
  { params, config, projections }: SavedEncoder,
  pictures: ImageSet,
  projection?: string,
): Promise<PatchMaps> {
  const chosen = Object.entries(projections).filter(([name]) => name === projection);
  const encoder = patchEncoder<string>(params, config, Object.fromEntries(chosen));
  const options = { statistics: IMAGENET_STATISTICS, batchSize: BATCH };
  return featureMaps(device, encoder, scaled(pictures, config.imageSize), options);
}

/** The same pictures with this side. */
function scaled(pictures: ImageSet, side: number): ImageSet {
  const { width, height, count } = pictures;
  if (width !== height) {
    throw new Error(`patchMaps: pictures must be square; got ${width} x ${height}. Cut them first`);
  }
  const pixels = new Uint8Array(count * side * side * 3);
  for (let i = 0; i < count; i++) {
    const picture = { width, height, pixels: pixelsOf(pictures, i) };
    pixels.set(resizePicture(picture, side, side).pixels, i * side * side * 3);
  }
  return { ...pictures, width: side, height: side, pixels };
}

/** A picture of a set, [height, width, 3]: a view. */
export function pixelsOf({ pixels, width, height }: ImageSet, picture: number): Uint8Array {
  const size = width * height * 3;
  return pixels.subarray(picture * size, (picture + 1) * size);
}
