/** The pictures of a study: drawn in pieces, which may be kept beside its cells. */
import { join } from "node:path";
import { type CreatureSet, creatures } from "../data/creatures/creatures.ts";
import { KINDS, type KindName } from "../data/creatures/kinds.ts";
import type { Split } from "../data/dataFormat.ts";
import type { ImageSet } from "../data/images.ts";
import { partCrops } from "../data/partCrops.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../data/safetensors.ts";
import type { CellPictures } from "../study/cell.ts";
import type { StudyData, StudyPlan } from "../study/plan.ts";
import type { Items, Target } from "../study/targets.ts";
import { CUT, type LoadOptions, loadSplit } from "./datasets.ts";
import { UsageError } from "./errors.ts";
import { kindOf, makeFolder, readBytes, writeAtomic } from "./files.ts";

/** Some pictures of a built-in set. */
export interface Piece {
  kind: KindName;
  split: Split;
  size: number;
  first: number;
  count: number;
}

/** Pictures of a piece: about ten seconds of drawing. */
const PIECE = { small: 4000, large: 400 };

const isBuiltIn = (source: string): source is KindName => Object.hasOwn(KINDS, source);

/** The pieces of a set of a built-in kind. */
function piecesOf(kind: KindName, split: Split, size: number, count: number): Piece[] {
  const most = size > 64 ? PIECE.large : PIECE.small;
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    kind,
    split,
    size,
    first: i * most,
    count: Math.min(most, count - i * most),
  }));
}

/** The pieces that the cells of a study read. */
export function allPieces({ data }: StudyPlan, size: number): Piece[] {
  const pieces = Object.values(data).flatMap(({ source, train, probe, test, partsFrom, ...set }) => {
    if (!isBuiltIn(source)) return [];
    const parts = partsFrom === undefined ? set.parts : 0;
    return [
      ...piecesOf(source, "train", size, Math.max(train, probe)),
      ...piecesOf(source, "test", size, test),
      ...piecesOf(source, "train", CUT.drawnSize, parts),
      ...piecesOf(source, "test", CUT.drawnSize, parts),
    ];
  });
  return [...new Map(pieces.map((piece) => [nameOfPiece(piece), piece])).values()];
}

const nameOfPiece = ({ kind, split, size, first, count }: Piece): string =>
  `${kind}-${split}-${size}px-${first}-${count}.safetensors`;

/** Draws a piece unless its file is there. */
export async function drawPiece(folder: string, piece: Piece): Promise<void> {
  await readPiece(folder, piece);
}

/** The pictures of a piece and their points. */
type Drawn = Pick<CreatureSet, "pixels" | "labels" | "keypoints">;

/** Where pieces are kept; null keeps none. */
type Folder = string | null;

async function readPiece(folder: Folder, piece: Piece): Promise<Drawn> {
  if (folder === null) return creatures(piece);
  const path = join(folder, nameOfPiece(piece));
  if ((await kindOf(path)) === null) {
    const { pixels, labels, keypoints } = creatures(piece);
    const stored = (dtype: StoredTensor["dtype"], data: ArrayLike<number>) =>
      ({ dtype, shape: [data.length], data }) as unknown as StoredTensor;
    const tensors = new Map([
      ["pixels", stored("U8", pixels)],
      ["labels", stored("I32", labels)],
      ["keypoints", stored("F32", keypoints)],
    ]);
    await makeFolder(folder);
    await writeAtomic(path, writeSafetensors(tensors));
    return { pixels, labels, keypoints };
  }
  const { tensors } = readSafetensors(await readBytes(path));
  return {
    pixels: tensors.get("pixels")!.data as Uint8Array,
    labels: tensors.get("labels")!.data as Int32Array,
    keypoints: tensors.get("keypoints")!.data as Float32Array,
  };
}

/** A whole set from its pieces. */
async function drawn(
  folder: Folder,
  kind: KindName,
  split: Split,
  size: number,
  count: number,
): Promise<CreatureSet> {
  const pieces: Drawn[] = [];
  for (const piece of piecesOf(kind, split, size, count)) pieces.push(await readPiece(folder, piece));
  const { classes, partNames } = creatures({ kind, count: 0, size, split });
  return {
    name: `${kind}-${split}`,
    width: size,
    height: size,
    count,
    classes,
    partNames,
    pixels: joined(
      pieces.map(({ pixels }) => pixels),
      (length) => new Uint8Array(length),
    ),
    labels: joined(
      pieces.map(({ labels }) => labels),
      (length) => new Int32Array(length),
    ),
    keypoints: joined(
      pieces.map(({ keypoints }) => keypoints),
      (length) => new Float32Array(length),
    ),
    objectMask: new Uint8Array(),
    partMask: new Uint8Array(),
  };
}

function joined<A extends Uint8Array | Int32Array | Float32Array>(
  pieces: readonly A[],
  make: (length: number) => A,
): A {
  const whole = make(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The first pictures of a set. */
function head(set: ImageSet, count: number): ImageSet {
  const bytes = set.width * set.height * 3;
  if (count > set.count)
    throw new UsageError(`${set.name}: the study asks for ${count} pictures; it has ${set.count}`);
  return {
    ...set,
    count,
    pixels: set.pixels.subarray(0, count * bytes),
    labels: set.labels.subarray(0, count),
  };
}

/** What the cells of one set train on and are asked about. `size` is the encoder's; a folder keeps what is drawn. */
export async function cellPictures(
  folder: Folder,
  set: StudyData,
  size: number,
  { decoder }: Pick<LoadOptions, "decoder"> = {},
): Promise<CellPictures> {
  const { source } = set;
  const how = { drawnSize: size, ...(decoder && { decoder }) };
  const crops = partsOf(folder, set, how);
  const whole = isBuiltIn(source)
    ? await drawnPictures(folder, source, set, size)
    : await readPictures(set, how);
  if (crops === null) return whole;
  const ofParts: Target = { name: "parts", probe: await crops("train"), test: await crops("test") };
  return { ...whole, targets: [...whole.targets, ofParts] };
}

/** Whole pictures of a built-in set. */
async function drawnPictures(
  folder: Folder,
  source: KindName,
  { train, probe, test }: StudyData,
  size: number,
): Promise<CellPictures> {
  const all = await drawn(folder, source, "train", size, Math.max(train, probe));
  const asked = await drawn(folder, source, "test", size, test);
  return { train: head(all, train), targets: [{ name: "objects", probe: head(all, probe), test: asked }] };
}

/** Whole pictures of a folder. */
async function readPictures(
  { source, train, probe, test }: StudyData,
  how: LoadOptions,
): Promise<CellPictures> {
  const load = (split: Split, limit: number) =>
    loadSplit({ data: source, size: how.drawnSize, limit }, split, how);
  const objects: Target = {
    name: "objects",
    probe: await load("train", probe),
    test: await load("test", test),
  };
  return { train: await load("train", train), targets: [objects] };
}

/** What cuts the parts of a split out; null where the study asks for none. */
function partsOf(
  folder: Folder,
  { source, parts, partsFrom }: StudyData,
  how: LoadOptions,
): ((split: Split) => Promise<Items>) | null {
  if (parts === 0) return null;
  if (partsFrom !== undefined) {
    const rule = { side: "text", above: 20 } as const;
    const choice = { data: partsFrom, size: how.drawnSize, limit: parts, parts: rule };
    return (split) => loadSplit(choice, split, how);
  }
  if (!isBuiltIn(source)) {
    throw new UsageError(
      `${source}: parts of a folder need partsFrom, a folder of annotated pictures; got none`,
    );
  }
  const { drawnSize, ...rule } = CUT;
  return async (split) =>
    partCrops(await drawn(folder, source, split, drawnSize, parts), { ...rule, size: how.drawnSize });
}
