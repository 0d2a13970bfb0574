/**
 * PNG files to RGB, W3C PNG (third edition): every depth, colour type and interlacing. Of the chunks only those that
 * hold pixels are read, and their checksums must hold; a damaged colour profile or comment costs no pixel.
 */
import { crc32 } from "./crc32.ts";
import { inflate } from "./inflate.ts";
import { join, type PictureFile } from "./pictureFile.ts";
import type { Picture } from "./resize.ts";

interface Header {
  width: number;
  height: number;
  /** Bits of a sample. */
  depth: number;
  /** Samples of a pixel. */
  channels: number;
  hasPalette: boolean;
  isInterlaced: boolean;
}

/** Channels and allowed depths by colour type: gray, RGB, palette, gray with alpha, RGB with alpha. */
const COLOUR_TYPES: Record<number, { channels: number; depths: number[] }> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

/** First column and row of each pass, and the steps between its columns and rows. */
const WHOLE = [[0, 0, 1, 1]] as const;
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** No deflate stream holds more than this many times its own size. */
const DEFLATE_RATIO = 1032;

/**
 * Decodes a PNG -> pixels [height, width, 3], as Pillow's `convert("RGB")`: gray is repeated, alpha is dropped, 16 bits
 * lose the lower 8.
 */
export function decodePng(file: PictureFile): Picture {
  const { header, palette, data } = readChunks(file);
  const { width, height, channels } = header;
  const pixels = new Uint8Array(width * height * 3);
  for (const { row, columns, first, step } of unfilteredRows(file, header, data)) {
    const samples = unpack(row, columns * channels, header);
    if (header.hasPalette) writeColours(file, samples, palette, pixels, first * 3, step * 3);
    else writePixels(samples, channels, pixels, first * 3, step * 3);
  }
  return { width, height, pixels };
}

/** Labels of pixels: [height, width]. */
export interface LabelMask {
  width: number;
  height: number;
  labels: Uint16Array;
}

/** Decodes a PNG whose palette indices, or gray values of any depth, are labels. */
export function decodePngLabels(file: PictureFile): LabelMask {
  const { header, data } = readChunks(file);
  const { width, height, depth, channels } = header;
  if (channels > 2) file.refuse("for labels: palette or gray", "one of colours");
  const labels = new Uint16Array(width * height);
  for (const { row, columns, first, step } of unfilteredRows(file, header, data)) {
    const samples = unpack(row, columns * channels, { ...header, hasPalette: true }); // values as they are
    for (let i = 0; i < columns; i++) {
      const at = i * channels;
      labels[first + i * step] = depth === 16 ? row[2 * at]! * 256 + row[2 * at + 1]! : samples[at]!;
    }
  }
  return { width, height, labels };
}

/** Part of a row of pixels: its bytes without their filter, the index of its first pixel and the step between them. */
interface PixelRow {
  row: Uint8Array;
  columns: number;
  first: number;
  step: number;
}

/** The rows of all passes, in the order of the file. */
function* unfilteredRows(file: PictureFile, header: Header, data: Uint8Array): Generator<PixelRow> {
  const { width, height } = header;
  const passes = (header.isInterlaced ? ADAM7 : WHOLE).flatMap(([left, top, stepX, stepY]) => {
    const columns = Math.ceil((width - left) / stepX);
    const rows = Math.ceil((height - top) / stepY);
    const rowBytes = Math.ceil((columns * header.channels * header.depth) / 8);
    return columns > 0 && rows > 0 ? [{ left, top, stepX, stepY, columns, rows, rowBytes }] : [];
  });
  const size = passes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);
  if (size > DEFLATE_RATIO * data.length)
    file.fail(`${data.length} bytes of picture data, too few for ${width} x ${height}`);
  let filtered: Uint8Array;
  try {
    filtered = inflate(data, size);
  } catch (cause) {
    file.fail((cause as Error).message, cause);
  }
  const pixelBytes = Math.max(1, (header.channels * header.depth) / 8);
  let at = 0;
  for (const { left, top, stepX, stepY, columns, rows, rowBytes } of passes) {
    let above: Uint8Array = new Uint8Array(rowBytes);
    for (let y = 0; y < rows; y++) {
      const row = filtered.subarray(at + 1, at + 1 + rowBytes);
      unfilter(file, filtered[at]!, row, above, pixelBytes);
      yield { row, columns, first: (top + y * stepY) * width + left, step: stepX };
      above = row;
      at += 1 + rowBytes;
    }
  }
}

/** The chunks that pixels hang on. Whatever follows the picture data is not read. */
function readChunks(file: PictureFile): { header: Header; palette: Uint8Array; data: Uint8Array } {
  const { bytes } = file;
  if (file.text(0, 8) !== "\x89PNG\r\n\x1a\n") file.fail("a damaged signature");
  let header: Header | undefined;
  let palette: Uint8Array = new Uint8Array(0);
  const parts: Uint8Array[] = [];
  for (let at = 8, end = 0; at < bytes.length; at = end) {
    const type = file.text(at + 4, 4);
    if (parts.length > 0 && type !== "IDAT") break;
    end = at + 12 + file.u32(at);
    if (end > bytes.length) file.fail("premature end of file");
    if (!/^[A-Za-z]{4}$/.test(type)) file.fail("a chunk without a name");
    if (/^[a-z]/.test(type)) continue; // what a decoder may leave out
    if (crc32(bytes.subarray(at + 4, end - 4)) !== file.u32(end - 4)) file.fail(`a wrong CRC in ${type}`);
    const content = bytes.subarray(at + 8, end - 4);
    if (type === "IHDR" && !header && content.length === 13) header = readHeader(file, at + 8);
    else if (type === "PLTE") palette = content;
    else if (type === "IDAT") parts.push(content);
    else if (type === "IEND") break;
    else file.refuse("PNG's own chunks", `a chunk ${type} that changes pixels`);
  }
  if (!header || parts.length === 0) return file.fail("no picture data");
  return { header, palette, data: join(parts) };
}

function readHeader(file: PictureFile, at: number): Header {
  const [width, height] = [file.u32(at), file.u32(at + 4)];
  file.checkSize(width, height);
  const [depth, type, compression, filter, interlacing] = file.bytes.subarray(
    at + 8,
    at + 13,
  ) as unknown as number[];
  const colour = COLOUR_TYPES[type!];
  if (!colour?.depths.includes(depth!) || compression !== 0 || filter !== 0 || interlacing! > 1)
    return file.fail("a header that PNG does not have");
  const { channels } = colour;
  return { width, height, depth: depth!, channels, hasPalette: type === 3, isInterlaced: interlacing === 1 };
}

/** Undoes a row's filter in place; `above` is the row before, zeros for the first. */
function unfilter(
  file: PictureFile,
  type: number,
  row: Uint8Array,
  above: Uint8Array,
  pixelBytes: number,
): void {
  const left = (i: number): number => (i < pixelBytes ? 0 : row[i - pixelBytes]!);
  if (type === 1) for (let i = pixelBytes; i < row.length; i++) row[i]! += row[i - pixelBytes]!;
  else if (type === 2) for (let i = 0; i < row.length; i++) row[i]! += above[i]!;
  else if (type === 3) for (let i = 0; i < row.length; i++) row[i]! += (left(i) + above[i]!) >> 1;
  else if (type === 4) {
    for (let i = 0; i < row.length; i++)
      row[i]! += paeth(left(i), above[i]!, i < pixelBytes ? 0 : above[i - pixelBytes]!);
  } else if (type !== 0) file.fail("a filter that PNG does not have");
}

/** Of left, above and above left, the one nearest to left + above - above left. */
function paeth(a: number, b: number, c: number): number {
  const toA = Math.abs(b - c);
  const toB = Math.abs(a - c);
  const toC = Math.abs(a + b - 2 * c);
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}

/** The `count` samples of a row, one a byte: scaled to 8 bits, or indices as they are. */
function unpack(row: Uint8Array, count: number, { depth, hasPalette }: Header): Uint8Array {
  if (depth === 8) return row;
  const samples = new Uint8Array(count);
  const mask = 2 ** depth - 1;
  const scale = hasPalette ? 1 : 255 / mask;
  for (let i = 0; i < count; i++) {
    const bit = i * depth;
    samples[i] = depth === 16 ? row[2 * i]! : ((row[bit >> 3]! >> (8 - depth - (bit & 7))) & mask) * scale;
  }
  return samples;
}

/** Writes a row of gray or colour, with alpha or without, from `to` on every `step` bytes. */
function writePixels(
  samples: Uint8Array,
  channels: number,
  pixels: Uint8Array,
  to: number,
  step: number,
): void {
  const [green, blue] = channels > 2 ? [1, 2] : [0, 0]; // gray is repeated
  for (let from = 0; from < samples.length; from += channels, to += step) {
    pixels[to] = samples[from]!;
    pixels[to + 1] = samples[from + green]!;
    pixels[to + 2] = samples[from + blue]!;
  }
}

/** Writes a row of palette indices. */
function writeColours(
  file: PictureFile,
  indices: Uint8Array,
  palette: Uint8Array,
  pixels: Uint8Array,
  to: number,
  step: number,
): void {
  for (let i = 0; i < indices.length; i++, to += step) {
    const from = indices[i]! * 3;
    if (from + 3 > palette.length) file.fail("a colour beyond the palette");
    for (let c = 0; c < 3; c++) pixels[to + c] = palette[from + c]!;
  }
}
