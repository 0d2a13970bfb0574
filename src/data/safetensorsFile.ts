/** Safetensors files larger than memory: read tensor by tensor, written piece by piece. */
import { cut } from "./headerJson.ts";
import { bytesOf, type StoredTensor, tensorOf } from "./safetensors.ts";
import {
  type HeaderEntry,
  headerLength,
  LENGTH_BYTES,
  layOutHeader,
  parseHeader,
} from "./safetensorsHeader.ts";

/** A file that is read in pieces; the platform supplies it. */
export interface ByteSource {
  /** Bytes of the whole. */
  readonly size: number;
  /** Exactly these bytes, in memory of their own. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What is read of a `Blob` or a `File`, which the platform has. */
interface BlobLike {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A file that a person chose in a browser, or any other `Blob`, for `openSaved` and the other functions that open files. */
export const blobSource = (blob: BlobLike): ByteSource => ({
  size: blob.size,
  read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
});

/** An open file: what its header says, and its tensors for the asking. */
export interface SafetensorsFile {
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** One tensor; its data alone is held. Throws if the file has none of this name. */
  tensor(name: string): Promise<StoredTensor>;
}

/** Reads the header of a file; throws as `readSafetensors` does. */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const first = await source.read(0, Math.min(LENGTH_BYTES, source.size));
  const length = headerLength(first, source.size);
  const { entries, metadata, start } = parseHeader(await source.read(LENGTH_BYTES, length), source.size);
  return {
    entries,
    metadata,
    async tensor(name) {
      const entry = entries.get(name);
      if (!entry)
        throw new Error(`readSafetensors: the file must hold ${name}; got ${cut(`${[...entries.keys()]}`)}`);
      return tensorOf(entry, await source.read(start + entry.begin, entry.end - entry.begin));
    },
  };
}

/**
 * The pieces of a file one after the other, its header first; `tensor` gives each when its turn comes. Throws if one is not
 * what was announced.
 */
export async function* safetensorsPieces(
  announced: ReadonlyMap<string, Pick<HeaderEntry, "dtype" | "shape">>,
  tensor: (name: string) => Promise<StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const { front, order } = layOutHeader(announced, metadata);
  yield front;
  for (const name of order) {
    const { dtype, shape } = announced.get(name)!;
    const given = await tensor(name);
    if (given.dtype !== dtype || `${given.shape}` !== `${shape}`) {
      throw new Error(
        `safetensorsPieces: ${name} must be ${dtype} [${shape}]; got ${given.dtype} [${given.shape}]`,
      );
    }
    yield bytesOf(name, given);
  }
}
