/**
 * A JPEG decoder for the one case that the WASM codec refuses: four components (CMYK or YCCK), baseline or
 * extended sequential with Huffman codes, ITU-T T.81. A few ImageNet files are like that.
 * Inverse DCT in f64, chroma repeated when subsampled; inverted inks (Adobe's marker) as in Pillow.
 */
import { BitReader, type Huffman, Source } from "./jpegBits.ts";
import type { Picture } from "./resize.ts";

interface Component {
  id: number;
  h: number;
  v: number;
  quantTable: number;
  dcTable: number;
  acTable: number;
  /** Samples [stride x rows], whole blocks. */
  plane: Uint8Array;
  stride: number;
}

/** Row-major position of each coefficient in zigzag order. */
const ZIGZAG = zigzag();

/** COSINES[x][u] = c(u) / 2 * cos((2x + 1) u pi / 16), c(0) = 1 / sqrt 2. */
const COSINES = Array.from({ length: 8 }, (_, x) =>
  Array.from(
    { length: 8 },
    (_, u) => (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16),
  ),
);

/** What the headers of a file said so far. */
interface Headers {
  width: number;
  height: number;
  components: Component[];
  quant: Uint16Array[];
  /** DC tables 0..3, then AC tables 0..3. */
  huffman: Huffman[];
  /** MCUs between restart markers; 0 for none. */
  restartInterval: number;
  /** Colour transform of Adobe's marker: 0 CMYK, 2 YCCK. */
  adobeTransform?: number;
}

/** Decodes a four-component JPEG -> pixels [height, width, 3]; `name` is used in errors. */
export function decodeCmykJpeg(name: string, file: Uint8Array): Picture {
  const source = new Source(name, file);
  const headers: Headers = {
    width: 0,
    height: 0,
    components: [],
    quant: [],
    huffman: [],
    restartInterval: 0,
  };
  for (let at = 2; ; ) {
    if (source.u8(at) !== 0xff) source.fail(`no marker at byte ${at}`);
    const marker = source.u8(at + 1);
    if (marker === 0xd9) break;
    if (marker === 0xff)
      at++; // a fill byte
    else if (marker === 0xda) at = readScan(source, headers, at + 4);
    else {
      const end = at + 2 + source.u16(at + 2);
      readSegment(source, headers, marker, at + 4, end);
      at = end;
    }
  }
  if (headers.components.length !== 4) source.fail("no frame of four components");
  return toRgb(headers);
}

function readSegment(source: Source, headers: Headers, marker: number, start: number, end: number): void {
  const { file } = source;
  if (marker === 0xc0 || marker === 0xc1) readFrame(source, headers, start);
  else if (marker === 0xc4) readHuffman(file, start, end, headers.huffman);
  else if (marker >= 0xc2 && marker <= 0xcf) source.fail("a progressive or arithmetic frame");
  else if (marker === 0xdb) readQuant(file, start, end, headers.quant);
  else if (marker === 0xdd) headers.restartInterval = source.u16(start);
  else if (marker === 0xee && source.u8(start) === 0x41) headers.adobeTransform = source.u8(start + 11);
}

function readFrame(source: Source, headers: Headers, at: number): void {
  if (source.u8(at) !== 8) source.fail("more than 8 bits per sample");
  headers.height = source.u16(at + 1);
  headers.width = source.u16(at + 3);
  if (headers.width === 0 || headers.height === 0) source.fail("an empty picture");
  headers.components = Array.from({ length: source.u8(at + 5) }, (_, i) => {
    const from = at + 6 + 3 * i;
    const h = source.u8(from + 1) >> 4;
    const v = source.u8(from + 1) & 15;
    if (h < 1 || h > 4 || v < 1 || v > 4) source.fail("bogus sampling factors");
    const tables = { quantTable: source.u8(from + 2), dcTable: 0, acTable: 0 };
    return { id: source.u8(from), h, v, ...tables, plane: new Uint8Array(0), stride: 0 };
  });
  const { mcusX, mcusY } = mcuGrid(headers);
  for (const c of headers.components) {
    c.stride = mcusX * c.h * 8;
    c.plane = new Uint8Array(c.stride * mcusY * c.v * 8);
  }
}

/** Largest sampling factors, and how many minimum coded units there are across and down. */
function mcuGrid({ width, height, components }: Headers) {
  const maxH = Math.max(...components.map(({ h }) => h));
  const maxV = Math.max(...components.map(({ v }) => v));
  return { maxH, maxV, mcusX: Math.ceil(width / (8 * maxH)), mcusY: Math.ceil(height / (8 * maxV)) };
}

/** Decodes the one scan, whose header starts at `header`, into the planes; gives back where its data end. */
function readScan(source: Source, headers: Headers, header: number): number {
  const { components, restartInterval } = headers;
  const count = source.u8(header);
  if (count !== components.length) source.fail("components in separate scans");
  for (let i = 0; i < count; i++) {
    const id = source.u8(header + 1 + 2 * i);
    const c = components.find((component) => component.id === id) ?? source.fail("a scan of no component");
    c.dcTable = source.u8(header + 2 + 2 * i) >> 4;
    c.acTable = source.u8(header + 2 + 2 * i) & 15;
  }
  const bits = new BitReader(source, header + 1 + 2 * count + 3);
  const { mcusX, mcusY } = mcuGrid(headers);
  const predictors = components.map(() => 0);
  for (let mcu = 0; mcu < mcusX * mcusY; mcu++) {
    if (restartInterval > 0 && mcu > 0 && mcu % restartInterval === 0) {
      bits.skipRestart();
      predictors.fill(0);
    }
    components.forEach((c, i) => {
      for (let block = 0; block < c.h * c.v; block++) {
        const row = (Math.floor(mcu / mcusX) * c.v + Math.floor(block / c.h)) * 8;
        const column = ((mcu % mcusX) * c.h + (block % c.h)) * 8;
        predictors[i] = readBlock(bits, headers, c, predictors[i]!, row * c.stride + column);
      }
    });
  }
  return bits.at;
}

/** Decodes one 8 x 8 block into its plane at `offset`; gives back its DC value, which predicts the next one. */
function readBlock(
  bits: BitReader,
  headers: Headers,
  c: Component,
  predictor: number,
  offset: number,
): number {
  const { source } = bits;
  const quant = headers.quant[c.quantTable] ?? source.fail("a missing quantisation table");
  const dcCode = headers.huffman[c.dcTable] ?? source.fail("a missing Huffman table");
  const acCode = headers.huffman[4 + c.acTable] ?? source.fail("a missing Huffman table");
  const coefficients = new Float64Array(64);
  const dc = predictor + bits.signed(bits.symbol(dcCode));
  coefficients[0] = dc * quant[0]!;
  for (let k = 1; k < 64; k++) {
    const runAndSize = bits.symbol(acCode);
    const size = runAndSize & 15;
    if (size === 0 && runAndSize !== 0xf0) break;
    k += runAndSize >> 4;
    if (size === 0) continue;
    if (k > 63) source.fail("too many coefficients");
    coefficients[ZIGZAG[k]!] = bits.signed(size) * quant[k]!;
  }
  inverseDct(coefficients, c.plane, offset, c.stride);
  return dc;
}

function readHuffman(file: Uint8Array, start: number, end: number, tables: Huffman[]): void {
  for (let at = start; at < end; ) {
    const place = file[at]!;
    const counts = file.slice(at + 1, at + 17);
    const size = counts.reduce((a, b) => a + b, 0);
    tables[(place >> 4) * 4 + (place & 3)] = { counts, symbols: file.slice(at + 17, at + 17 + size) };
    at += 17 + size;
  }
}

function readQuant(file: Uint8Array, start: number, end: number, tables: Uint16Array[]): void {
  for (let at = start; at < end; ) {
    const place = file[at++]!;
    const bytes = place >> 4 ? 2 : 1;
    tables[place & 3] = Uint16Array.from({ length: 64 }, (_, k) =>
      bytes === 2 ? file[at + 2 * k]! * 256 + file[at + 2 * k + 1]! : file[at + k]!,
    );
    at += 64 * bytes;
  }
}

/** plane[y, x] = 128 + sum over u, v of COSINES[x][u] COSINES[y][v] coefficient[v, u], rounded to 0..255. */
function inverseDct(coefficients: Float64Array, plane: Uint8Array, offset: number, stride: number): void {
  const rows = new Float64Array(64);
  for (let v = 0; v < 8; v++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let u = 0; u < 8; u++) sum += COSINES[x]![u]! * coefficients[v * 8 + u]!;
      rows[v * 8 + x] = sum;
    }
  }
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let v = 0; v < 8; v++) sum += COSINES[y]![v]! * rows[v * 8 + x]!;
      plane[offset + y * stride + x] = toByte(sum + 128);
    }
  }
}

/** Inks to RGB as Pillow does: channel = 255 - k - ink (255 - k) / 255, inks as amounts of colour. */
function toRgb(headers: Headers): Picture {
  const { width, height, components, adobeTransform } = headers;
  const { maxH, maxV } = mcuGrid(headers);
  const pixels = new Uint8Array(width * height * 3);
  const sample = (c: Component, x: number, y: number): number =>
    c.plane[Math.floor((y * c.v) / maxV) * c.stride + Math.floor((x * c.h) / maxH)]!;
  const invert = adobeTransform !== undefined; // Adobe stores 255 - ink
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      let inks = components.map((c) => sample(c, x, y));
      const black = inks[3]!;
      if (adobeTransform === 2) inks = yccToCmy(inks[0]!, inks[1]! - 128, inks[2]! - 128);
      const light = invert ? black : 255 - black;
      for (let c = 0; c < 3; c++) {
        const ink = invert ? 255 - inks[c]! : inks[c]!;
        pixels[to + c] = toByte(light - (ink * light) / 255);
      }
    }
  }
  return { width, height, pixels };
}

/** YCCK -> C, M, Y as stored: libjpeg's ycck_cmyk_convert (255 - RGB of the YCbCr triple). */
const yccToCmy = (y: number, cb: number, cr: number): number[] => [
  toByte(255 - (y + 1.402 * cr)),
  toByte(255 - (y - 0.344136286 * cb - 0.714136286 * cr)),
  toByte(255 - (y + 1.772 * cb)),
];

const toByte = (x: number): number => Math.max(0, Math.min(255, Math.round(x)));

/* @__NO_SIDE_EFFECTS__ */
function zigzag(): Uint8Array {
  const cells = Array.from({ length: 64 }, (_, i) => ({ i, x: i % 8, y: i >> 3 }));
  cells.sort((a, b) => {
    const diagonal = a.x + a.y - (b.x + b.y);
    if (diagonal !== 0) return diagonal;
    return (a.x + a.y) % 2 === 0 ? a.x - b.x : a.y - b.y;
  });
  return Uint8Array.from(cells, ({ i }) => i);
}
