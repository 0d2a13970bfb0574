// What an encoder says of every place of pictures, without a page.
import {
  type Device,
  type FeatureMaps,
  featureMaps,
  IMAGENET_STATISTICS,
  type ImageSet,
  patchEncoder,
  pictureAt,
  resizePicture,
  type SavedEncoder,
  windowEncoder,
} from "../index.ts";
import { type Places, windowsAs } from "./places.ts";

/** Pictures of a run of the encoder: few, since a page shows few and shares its GPU with the screen. */
const BATCH = 16;
/** Windows of a run, or those of one picture where they are more: an encoder's time goes with what it sees. */
const WINDOWS = 64;

/** Features of places by the name of their reading: `encoder`, and a projection. */
export type PlaceMaps = Readonly<Record<string, FeatureMaps>>;

export interface PlaceMapsOptions {
  /** Patches when absent. */
  places?: Places;
  /** One of the encoder's projections, which reads beside it. */
  projection?: string | undefined;
  /** Called after each run of the encoder with the number of pictures done. */
  onProgress?: (done: number, count: number) => void;
}

/**
 * Reads every place of square pictures by the encoder and by one of its projections, or by the encoder alone. Patches are those
 * of the pictures scaled to the encoder's size; windows are cut from the pictures as they are, and each is scaled to that size.
 */
export async function placeMaps(
  device: Device,
  { params, config, projections }: SavedEncoder,
  pictures: ImageSet,
  { places = "patches", projection, onProgress }: PlaceMapsOptions = {},
): Promise<PlaceMaps> {
  const { width, height } = pictures;
  if (width !== height) {
    throw new Error(`placeMaps: pictures must be square; got ${width} x ${height}. Cut them first`);
  }
  const chosen = Object.fromEntries(Object.entries(projections).filter(([name]) => name === projection));
  const options = { statistics: IMAGENET_STATISTICS, ...(onProgress && { onProgress }) };
  const windows = windowsAs(places);
  if (windows) {
    const encoder = windowEncoder<string>(params, config, chosen, windows);
    const batchSize = Math.ceil(WINDOWS / windows.perSide ** 2);
    return featureMaps(device, encoder, pictures, { ...options, batchSize });
  }
  const encoder = patchEncoder<string>(params, config, chosen);
  return featureMaps(device, encoder, scaled(pictures, config.imageSize), { ...options, batchSize: BATCH });
}

/** The same pictures with this side. */
function scaled(pictures: ImageSet, side: number): ImageSet {
  const { count } = pictures;
  const pixels = new Uint8Array(count * side * side * 3);
  for (let i = 0; i < count; i++) {
    pixels.set(resizePicture(pictureAt(pictures, i), side, side).pixels, i * side * side * 3);
  }
  return { ...pictures, width: side, height: side, pixels };
}
