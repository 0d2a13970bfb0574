/** The drawn pictures of a study, in pieces that may be kept beside its cells. */
import { join } from "node:path";
import { type CreatureSet, creatures } from "../../data/creatures/creatures.ts";
import type { KindName } from "../../data/creatures/kinds.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../../data/safetensors.ts";
import { type AskedSplit, askedSplits, asksPixels, type StudyPlan } from "../../study/plan.ts";
import { CUT, isDrawn } from "../pictures/datasets.ts";
import { kindOf, makeFolder, readBytes, writeAtomic } from "../system/files.ts";

/** What settings are chosen by is drawn on its own. */
export type DrawnSplit = "train" | AskedSplit;

/** Some pictures of a built-in set. */
export interface Piece {
  kind: KindName;
  split: DrawnSplit;
  size: number;
  first: number;
  count: number;
  /** Whether the part of every pixel is kept, too. */
  masks: boolean;
}

/** Where a study keeps what it draws. */
export const picturesIn = (out: string): string => join(out, "pictures");

/** Pictures of a piece: about ten seconds of drawing. */
const PIECE = { small: 4000, large: 400 };

/** The pieces of a set of a built-in kind. */
function piecesOf(kind: KindName, split: DrawnSplit, size: number, count: number, masks: boolean): Piece[] {
  const most = size > 64 ? PIECE.large : PIECE.small;
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    kind,
    split,
    size,
    first: i * most,
    count: Math.min(most, count - i * most),
    masks,
  }));
}

/** The pieces that the cells of a study read. */
export function allPieces(plan: StudyPlan, size: number): Piece[] {
  const masks = asksPixels(plan);
  const pieces = Object.entries(plan.data).flatMap(
    ([name, { source, train, probe, test, partsFrom, ...set }]) => {
      if (!isDrawn(source)) return [];
      const parts = partsFrom === undefined ? set.parts : 0;
      const asked = askedSplits(plan, name);
      return [
        ...piecesOf(source, "train", size, Math.max(train, probe), masks),
        ...asked.flatMap((split) => piecesOf(source, split, size, test, masks)),
        ...["train" as const, ...asked].flatMap((split) =>
          piecesOf(source, split, CUT.drawnSize, parts, false),
        ),
      ];
    },
  );
  return [...new Map(pieces.map((piece) => [nameOfPiece(piece), piece])).values()];
}

const nameOfPiece = ({ kind, split, size, first, count, masks }: Piece): string =>
  `${kind}-${split}-${size}px-${first}-${count}${masks ? "-masks" : ""}.safetensors`;

/** The numbers of the pieces whose files are not there. */
export async function missingPieces(folder: string, pieces: readonly Piece[]): Promise<number[]> {
  const missing: number[] = [];
  for (const [k, piece] of pieces.entries()) {
    if ((await kindOf(join(folder, nameOfPiece(piece)))) === null) missing.push(k);
  }
  return missing;
}

/** Draws a piece unless its file is there. */
export async function drawPiece(folder: string, piece: Piece): Promise<void> {
  await readPiece(folder, piece);
}

/** The pictures of a piece, their points, and where they are kept their masks. */
type Drawn = Pick<CreatureSet, "pixels" | "labels" | "keypoints" | "partMask">;

/** Where pieces are kept; null keeps none. */
export type Folder = string | null;

async function readPiece(folder: Folder, piece: Piece): Promise<Drawn> {
  if (folder === null) return creatures(piece);
  const path = join(folder, nameOfPiece(piece));
  if ((await kindOf(path)) === null) {
    const { pixels, labels, keypoints, partMask } = creatures(piece);
    const stored = (dtype: StoredTensor["dtype"], data: ArrayLike<number>) =>
      ({ dtype, shape: [data.length], data }) as unknown as StoredTensor;
    const tensors = new Map<string, StoredTensor>([
      ["pixels", stored("U8", pixels)],
      ["labels", stored("I32", labels)],
      ["keypoints", stored("F32", keypoints)],
      ...(piece.masks ? [["partMask", stored("U8", partMask)] as const] : []),
    ]);
    await makeFolder(folder);
    await writeAtomic(path, writeSafetensors(tensors));
    return { pixels, labels, keypoints, partMask };
  }
  const { tensors } = readSafetensors(await readBytes(path));
  return {
    pixels: tensors.get("pixels")!.data as Uint8Array,
    labels: tensors.get("labels")!.data as Int32Array,
    keypoints: tensors.get("keypoints")!.data as Float32Array,
    partMask: piece.masks ? (tensors.get("partMask")!.data as Uint8Array) : new Uint8Array(),
  };
}

/** A whole set from its pieces. */
export async function drawn(
  folder: Folder,
  kind: KindName,
  split: DrawnSplit,
  size: number,
  count: number,
  masks = false,
): Promise<CreatureSet> {
  const pieces: Drawn[] = [];
  for (const piece of piecesOf(kind, split, size, count, masks)) pieces.push(await readPiece(folder, piece));
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
    partMask: masks
      ? joined(
          pieces.map(({ partMask }) => partMask),
          (length) => new Uint8Array(length),
        )
      : new Uint8Array(),
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
