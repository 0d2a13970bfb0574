// A set of pictures read by an encoder, and what a search of it finds; without a page.
import {
  type Device,
  type Grid,
  type ImageSet,
  type Place,
  type SavedEncoder,
  type Similar,
  similarTo,
} from "../index.ts";
import { type PlaceMaps, type PlaceMapsOptions, placeMaps } from "./placeMaps.ts";
import type { Places } from "./places.ts";
import { scaled } from "./scaled.ts";

/** Places that a search finds for each reading. */
const FOUND = 6;

/** Pixels along the side of a heat map's picture at most. */
const TILE_SIDE = 256;

/** What is searched, and by what. */
export interface Searched {
  /** As `savedEncoder` gives it. It stays the caller's, who disposes of its parameters after the explorer. */
  encoder: SavedEncoder;
  /** Square ones of any size; the encoder sees them scaled to its own. */
  pictures: ImageSet;
  /** Which places are compared, until the person chooses others; those of before when absent, at first patches. */
  places?: Places;
}

/** The same with what is not left open. */
export interface Asked extends Required<Searched> {
  /** The name of the encoder's projection that reads beside it, if it has one. */
  projection: string | undefined;
}

/** The same once it has been read. */
export interface ReadSet extends Asked {
  maps: PlaceMaps;
  /** Of all maps. */
  grid: Grid;
  /** The pictures as large as heat maps are shown. */
  tiles: ImageSet;
}

/** What each reading finds, by its name: `encoder`, and a projection's. */
export type Found = Readonly<Record<string, Similar>>;

/** Reads a set. Throws one sentence for pictures that cannot be, and the signal's reason where that aborts first. */
export async function readSet(
  device: Device,
  asked: Asked,
  options: Required<Pick<PlaceMapsOptions, "onProgress" | "signal">>,
): Promise<ReadSet> {
  const { encoder, pictures, places, projection } = asked;
  const { signal } = options;
  signal.throwIfAborted();
  const maps = await placeMaps(device, encoder, pictures, { ...options, places, projection });
  const side = Math.min(TILE_SIDE, pictures.width);
  const tiles = await scaled(pictures, side, { filter: "bilinear", signal });
  return { ...asked, maps, grid: Object.values(maps)[0]!, tiles };
}

/** Searches a set for a place. `keepSelf` finds places of the place's own picture, too, which a set of one picture always does. */
export async function searchSet(
  device: Device,
  { maps, pictures }: ReadSet,
  place: Place,
  keepSelf: boolean,
): Promise<Found> {
  const options = { k: FOUND, keepSelf: keepSelf || pictures.count === 1 };
  const found = Object.entries(maps).map(
    async ([name, one]) => [name, await similarTo(device, one, place, options)] as const,
  );
  return Object.fromEntries(await Promise.all(found));
}
