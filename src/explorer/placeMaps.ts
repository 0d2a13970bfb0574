// What an encoder says of every place of pictures, without a page.
import {
  checkImageSet,
  type Device,
  type FeatureMaps,
  featureMaps,
  IMAGENET_STATISTICS,
  type ImageSet,
  patchEncoder,
  type SavedEncoder,
  windowEncoder,
} from "../index.ts";
import { type Places, windowsAs } from "./places.ts";
import { scaled } from "./scaled.ts";

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
  /** Ends the reading: its reason is thrown before the next picture is scaled, or after the run under way. */
  signal?: AbortSignal;
}

/**
 * Reads every place of square pictures by the encoder and by one of its projections, or by the encoder alone. Patches are those
 * of the pictures scaled to the encoder's size; windows are cut from the pictures as they are, and each is scaled to that size.
 * Throws one sentence for pictures that are not square, not RGB or none.
 */
export async function placeMaps(
  device: Device,
  { params, config, projections }: SavedEncoder,
  pictures: ImageSet,
  { places = "patches", projection, onProgress, signal }: PlaceMapsOptions = {},
): Promise<PlaceMaps> {
  const { width, height } = checkImageSet(pictures);
  if (width !== height) {
    throw new Error(`placeMaps: pictures must be square; got ${width} x ${height}. Cut them first`);
  }
  const chosen = Object.fromEntries(Object.entries(projections).filter(([name]) => name === projection));
  const options = {
    statistics: IMAGENET_STATISTICS,
    onProgress(done: number, count: number) {
      signal?.throwIfAborted();
      onProgress?.(done, count);
    },
  };
  const windows = windowsAs(places);
  if (windows) {
    const encoder = windowEncoder<string>(params, config, chosen, windows);
    const batchSize = Math.ceil(WINDOWS / windows.perSide ** 2);
    return featureMaps(device, encoder, pictures, { ...options, batchSize });
  }
  const encoder = patchEncoder<string>(params, config, chosen);
  const seen = await scaled(pictures, config.imageSize, { signal });
  return featureMaps(device, encoder, seen, { ...options, batchSize: BATCH });
}
