/** Zip archives whose files are stored as they are, as PyTorch writes them: files found by the directory at the end. */
import { crc32 } from "./crc32.ts";
import type { ByteSource } from "./safetensorsFile.ts";
import { textOf } from "./text.ts";

/** A file in an archive. */
export interface ZipEntry {
  path: string;
  /** The byte of the archive where its local header begins, and the length of its contents. */
  header: number;
  size: number;
  /** CRC-32 of the contents; 0 where it was not computed, as torch.save may be told. */
  crc: number;
}

/** Signatures: of a local header, of a directory entry, and of what the archive ends with, for more than 4 GiB twice. */
const [LOCAL, CENTRAL, END, END64, LOCATOR64] = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50];
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const MOST_COMMENT = 0xffff;
const MOST_DIRECTORY = 2 ** 26;
/** Bytes of a file that are held at once while it is checked. */
const PIECE = 2 ** 24;
/** Stands in a field whose value is in the 64-bit ones. */
const ELSEWHERE = 0xffffffff;

export const ZIP_START = LOCAL;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const fault = (at: number, wanted: string): Error => new Error(`readZip: byte ${at} must hold ${wanted}`);

/** The files of an archive by name. Throws one sentence where it is cut or damaged, or a file in it is compressed. */
export async function readZip(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { start, size } = await findDirectory(source);
  if (start + size > source.size || size > MOST_DIRECTORY) {
    throw fault(start, `a directory within ${source.size} bytes; got a length of ${size}`);
  }
  const bytes = await source.read(start, size);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0; at < size; ) {
    if (at + CENTRAL_BYTES > size || view.getUint32(at, true) !== CENTRAL) {
      throw fault(start + at, "an entry of the directory; got something else");
    }
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    const end = at + CENTRAL_BYTES + name + extra + comment;
    if (end > size) throw fault(start + at, "a whole entry of the directory; got a part");
    const path = textOf(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + name));
    const extras = bytes.subarray(at + CENTRAL_BYTES + name, end - comment);
    const entry = { path, ...fieldsOf(view, at, extras) };
    const method = view.getUint16(at + 10, true);
    if (method !== 0)
      throw fault(start + at, `a file that is stored as it is; got method ${method} of ${path}`);
    if (entry.header + LOCAL_BYTES + entry.size > start) {
      throw fault(
        start + at,
        `a file before the directory; got ${path} at ${entry.header}, ${entry.size} bytes`,
      );
    }
    entries.set(path, entry);
    at = end;
  }
  return entries;
}

/** Where the contents of a file begin, once they were held to their checksum. Throws one sentence where they are damaged. */
export async function checkedContents(source: ByteSource, entry: ZipEntry): Promise<number> {
  const start = await contentsOf(source, entry);
  if (entry.crc === 0) return start;
  let crc = 0;
  for (let at = 0; at < entry.size; at += PIECE) {
    crc = crc32(await source.read(start + at, Math.min(PIECE, entry.size - at)), crc);
  }
  if (crc === entry.crc) return start;
  const [was, is] = [entry.crc, crc].map((value) => value.toString(16).padStart(8, "0"));
  throw fault(start, `${entry.path} as it was written, CRC-32 ${was}; got ${is}. Copy the file again`);
}

/** Where the contents of a file begin: behind its local header, whose length is its own. */
async function contentsOf(source: ByteSource, { header, size }: ZipEntry): Promise<number> {
  const view = viewOf(await source.read(header, LOCAL_BYTES));
  if (view.getUint32(0, true) !== LOCAL) throw fault(header, "the header of a file; got something else");
  const start = header + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + size > source.size)
    throw fault(start, `a file of ${size} bytes; got the end at ${source.size}`);
  return start;
}

/** A whole file of at most `most` bytes, held to its checksum, and where its contents begin. */
export async function readEntry(
  source: ByteSource,
  entry: ZipEntry,
  most: number,
): Promise<{ bytes: Uint8Array; start: number }> {
  const { path, header, size } = entry;
  if (size > most) throw fault(header, `${path} of at most ${most} bytes; got ${size}`);
  const start = await checkedContents(source, entry);
  return { bytes: await source.read(start, size), start };
}

/** The directory's place, from the end of the archive. */
async function findDirectory(source: ByteSource): Promise<{ start: number; size: number }> {
  const length = Math.min(source.size, END_BYTES + MOST_COMMENT + LOCATOR_BYTES);
  const base = source.size - length;
  const view = viewOf(await source.read(base, length));
  let at = length - END_BYTES;
  while (at >= 0 && view.getUint32(at, true) !== END) at--;
  if (at < 0) throw fault(source.size, "the end of a zip archive before it; got none. Is the file cut?");
  const [size, start] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  const locator = at - LOCATOR_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64) return { start, size };
  const end64 = Number(view.getBigUint64(locator + 8, true));
  if (end64 + 56 > source.size) throw fault(base + locator, `a place within the file; got ${end64}`);
  const wide = viewOf(await source.read(end64, 56));
  if (wide.getUint32(0, true) !== END64)
    throw fault(end64, "the 64-bit end of a zip archive; got something else");
  return { start: Number(wide.getBigUint64(48, true)), size: Number(wide.getBigUint64(40, true)) };
}

/** What a place of the directory says; what does not fit 32 bits is in the extra field 1, in this order. */
function fieldsOf(view: DataView, at: number, extras: Uint8Array): Omit<ZipEntry, "path"> {
  const wide = wideFields(extras);
  const field = (offset: number): number => {
    const value = view.getUint32(at + offset, true);
    return value === ELSEWHERE ? (wide.shift() ?? value) : value;
  };
  const size = field(24); // as unpacked; a stored file's other length is the same
  if (view.getUint32(at + 20, true) === ELSEWHERE) wide.shift();
  return { size, header: field(42), crc: view.getUint32(at + 16, true) };
}

function wideFields(extras: Uint8Array): number[] {
  const view = viewOf(extras);
  for (let at = 0; at + 4 <= extras.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const count = Math.min(view.getUint16(at + 2, true), extras.length - at - 4) >> 3;
    return Array.from({ length: count }, (_, i) => Number(view.getBigUint64(at + 4 + 8 * i, true)));
  }
  return [];
}
