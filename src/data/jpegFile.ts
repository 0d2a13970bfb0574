/**
 * What a JPEG file consists of, ITU-T T.81 annex B: its frame, its scans, and the same picture without anything that
 * does not change a pixel. A decoder that has something to remark on *that* file has lost data.
 */
import { join, type PictureFile } from "./pictureFile.ts";

/** One colour component as the frame header has it. */
export interface JpegComponent {
  id: number;
  /** Sampling factors, 1..4. */
  h: number;
  v: number;
  quantTable: number;
}

export interface JpegFrame {
  progressive: boolean;
  width: number;
  height: number;
  components: JpegComponent[];
}

/** A segment with tables or a scan; `start` and `end` enclose what follows its length. */
export interface JpegSegment {
  marker: number;
  start: number;
  end: number;
  /** Where a scan's entropy-coded data end, which begin at `end`; `end` itself for other segments. */
  dataEnd: number;
}

export interface JpegFile {
  file: PictureFile;
  frame: JpegFrame;
  /** Tables and scans in the file's order. */
  segments: JpegSegment[];
  /** Whether JFIF's marker is there, which says that three components are YCbCr. */
  isJfif: boolean;
  /** Colour transform of Adobe's marker: 0 none, 1 YCbCr, 2 YCCK; undefined without one. */
  adobeTransform: number | undefined;
}

const SOI = 0xd8;
const EOI = 0xd9;
export const SOS = 0xda;
const APP0 = 0xe0;
const ADOBE = 0xee;

/** RST0..7, which stand between entropy-coded data. */
const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
/** SOF0..15; among their numbers are DHT, JPG and DAC. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
/** APP0..15 and comments: colours may hang on two of them, and nothing else. */
const isApplication = (marker: number): boolean => (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;

/**
 * Reads a JPEG's structure. Stray bytes between header segments cost no pixels and are passed over, as in libjpeg.
 * Throws where the file ends before its end marker, where its data cannot hold the picture that its header describes
 * (in no time, however large that is), and for the kinds that nobody here decodes.
 */
export function readJpeg(file: PictureFile): JpegFile {
  const segments: JpegSegment[] = [];
  let frame: JpegFrame | undefined;
  let isJfif = false;
  let adobeTransform: number | undefined;
  for (let at = 2; ; ) {
    at = findMarker(file, at) + 2;
    const marker = file.u8(at - 1);
    if (marker === EOI) break;
    if (isRestart(marker)) continue;
    if (marker === SOI) file.fail("a second picture inside the first");
    const [start, end] = [at + 2, at + file.u16(at)];
    if (end < start || end > file.bytes.length) file.fail("premature end of file in its headers");
    at = end;
    if (isApplication(marker)) {
      if (marker === APP0 && end - start >= 14 && file.text(start, 5) === "JFIF\0") isJfif = true;
      if (marker === ADOBE && end - start >= 12 && file.text(start, 5) === "Adobe")
        adobeTransform = file.u8(start + 11) > 2 ? 1 : file.u8(start + 11); // libjpeg's reading of unknown ones
      continue;
    }
    if (isFrame(marker)) {
      if (frame) file.fail("two frames");
      frame = readFrame(file, marker, start);
    } else if (marker === SOS) {
      at = findMarker(file, at);
      while (isRestart(file.u8(at + 1))) at = findMarker(file, at + 2);
    }
    segments.push({ marker, start, end, dataEnd: at });
  }
  if (!frame) return file.fail("no frame before the end marker");
  const jpeg = { file, frame, segments, isJfif, adobeTransform };
  checkData(jpeg);
  return jpeg;
}

/** Where the next marker from `at` on stands, past any other bytes, stuffed and fill bytes among them. */
function findMarker(file: PictureFile, at: number): number {
  const { bytes } = file;
  for (let p = bytes.indexOf(0xff, at); p >= 0; p = bytes.indexOf(0xff, p + 1)) {
    const marker = bytes[p + 1];
    if (marker !== 0 && marker !== 0xff && marker !== undefined) return p;
  }
  return file.fail("premature end of file");
}

const KINDS = "sequential or progressive, 8 bits a sample, Huffman codes";

function readFrame(file: PictureFile, marker: number, at: number): JpegFrame {
  if (marker >= 0xc9) file.refuse(KINDS, "arithmetic coding");
  if (marker > 0xc2) file.refuse(KINDS, "a lossless or hierarchical frame");
  const bits = file.u8(at);
  if (bits !== 8) file.refuse(KINDS, `${bits} bits a sample`);
  const height = file.u16(at + 1);
  const width = file.u16(at + 3);
  file.checkSize(width, height);
  const count = file.u8(at + 5);
  if (count !== 1 && count !== 3 && count !== 4)
    file.refuse("gray, colour or CMYK", `${count} colour components`);
  const components = Array.from({ length: count }, (_, i) => {
    const from = at + 6 + 3 * i;
    const sampling = file.u8(from + 1);
    const [h, v] = [sampling >> 4, sampling & 15];
    if (h < 1 || h > 4 || v < 1 || v > 4) file.fail("bogus sampling factors");
    return { id: file.u8(from), h, v, quantTable: file.u8(from + 2) };
  });
  return { progressive: marker === 0xc2, width, height, components };
}

/** Largest sampling factors, and how many minimum coded units there are across and down. */
export function mcuGrid({ width, height, components }: JpegFrame) {
  const maxH = Math.max(...components.map(({ h }) => h));
  const maxV = Math.max(...components.map(({ v }) => v));
  return { maxH, maxV, mcusX: Math.ceil(width / (8 * maxH)), mcusY: Math.ceil(height / (8 * maxV)) };
}

/** Samples of a component that the picture uses, and the blocks that hold them. */
export function componentSize(frame: JpegFrame, { h, v }: JpegComponent) {
  const { maxH, maxV } = mcuGrid(frame);
  const columns = Math.ceil((frame.width * h) / maxH);
  const rows = Math.ceil((frame.height * v) / maxV);
  return { columns, rows, blocksX: Math.ceil(columns / 8), blocksY: Math.ceil(rows / 8) };
}

/** What a scan's header says: whose coefficients first..last, and the bits from `high` (0: none so far) down to `low`. */
export interface JpegScan {
  parts: { component: number; dcTable: number; acTable: number }[];
  first: number;
  last: number;
  high: number;
  low: number;
}

/** Reads a scan header. In a sequential frame a scan always has all there is, whatever some cameras write there. */
export function readScanHeader({ file, frame }: JpegFile, { start }: JpegSegment): JpegScan {
  const count = file.u8(start);
  const parts = Array.from({ length: count }, (_, i) => {
    const component = frame.components.findIndex(({ id }) => id === file.u8(start + 1 + 2 * i));
    if (component < 0) file.fail("a scan of no component");
    const tables = file.u8(start + 2 + 2 * i);
    return { component, dcTable: tables >> 4, acTable: tables & 15 };
  });
  if (!frame.progressive) return { parts, first: 0, last: 63, high: 0, low: 0 };
  const at = start + 1 + 2 * count;
  const [first, last, bits] = [file.u8(at), file.u8(at + 1), file.u8(at + 2)];
  if (first > last || last > 63 || (first > 0 && count !== 1)) file.fail("a scan of no coefficients");
  return { parts, first, last, high: bits >> 4, low: bits & 15 };
}

/**
 * Throws unless the scans can hold the whole picture. A block takes 1 bit at least in the scan of its DC value and,
 * in a sequential frame, 1 more for its end; and every bit of a coefficient that a progressive scan left for later
 * must have come.
 */
function checkData(jpeg: JpegFile): void {
  const { file, frame } = jpeg;
  const missing = frame.components.map(() => new Int8Array(64).fill(-1));
  let bytes = 0;
  for (const segment of jpeg.segments) {
    if (segment.marker !== SOS) continue;
    bytes += segment.dataEnd - segment.end;
    const { parts, first, last, low } = readScanHeader(jpeg, segment);
    for (const { component } of parts) missing[component]!.fill(low, first, last + 1);
  }
  const blocks = frame.components.reduce((sum, component) => {
    const { blocksX, blocksY } = componentSize(frame, component);
    return sum + blocksX * blocksY;
  }, 0);
  const least = Math.ceil((blocks * (frame.progressive ? 1 : 2)) / 8);
  if (bytes < least)
    file.fail(
      `${bytes} bytes of picture data, where ${frame.width} x ${frame.height} need ${least} at least`,
    );
  missing.forEach((low, i) => {
    if (low[0]! < 0) file.fail(`no data of colour component ${i + 1}`);
    if (low.some((bit) => bit > 0)) file.fail(`missing scans of colour component ${i + 1}`);
  });
}

const JFIF = Uint8Array.of(0xff, APP0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0);
const adobe = (transform: number): Uint8Array =>
  Uint8Array.of(0xff, ADOBE, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform);

/**
 * The picture's file without comments, application data, stray bytes and what follows its end, and with known
 * versions in the rest: nothing is left for a decoder to remark on but lost data.
 */
export function cleanJpeg({ file, frame, segments, isJfif, adobeTransform }: JpegFile): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0xff, SOI)];
  if (isJfif) parts.push(JFIF);
  if (adobeTransform !== undefined) parts.push(adobe(adobeTransform));
  for (const { marker, start, end, dataEnd } of segments) {
    const segment = new Uint8Array(file.bytes.subarray(start - 4, dataEnd)); // a copy; Node's own slice is none
    if (marker === SOS && !frame.progressive) segment.set([0, 63, 0], end - start + 1);
    parts.push(segment);
  }
  parts.push(Uint8Array.of(0xff, EOI));
  return join(parts);
}
