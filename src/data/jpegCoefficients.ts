/** The coefficients in a JPEG's Huffman-coded scans, sequential or progressive. ITU-T T.81, annexes F and G. */
import { BitReader, type Huffman } from "./jpegBits.ts";
import { componentSize, type JpegFile, type JpegScan, mcuGrid, readScanHeader, SOS } from "./jpegFile.ts";
import type { PictureFile } from "./pictureFile.ts";

/** A component's blocks as they are stored: row-major, as many as whole MCUs need. */
export interface Blocks {
  /** Blocks in a row. */
  stride: number;
  /** Coefficients [rows, stride, 64], each block row-major. */
  coefficients: Int16Array;
  /** Steps by which they are to be multiplied [64], row-major. */
  quant: Uint16Array;
}

/** Tables in force; later ones replace earlier ones. */
interface Tables {
  quant: Uint16Array[];
  /** DC tables 0..3, then AC tables 0..3. */
  huffman: Huffman[];
  /** MCUs between restart markers; 0 for none. */
  restartInterval: number;
}

/** Row-major position of each coefficient in zigzag order. */
const ZIGZAG = zigzag();

/** All coefficients of all components. Throws where data are cut, damaged or left over. */
export function readCoefficients(jpeg: JpegFile): Blocks[] {
  const { file, frame } = jpeg;
  const { mcusX, mcusY } = mcuGrid(frame);
  const planes = frame.components.map(({ h, v }): Blocks => {
    const stride = mcusX * h;
    return { stride, coefficients: new Int16Array(stride * mcusY * v * 64), quant: new Uint16Array(0) };
  });
  const tables: Tables = { quant: [], huffman: [], restartInterval: 0 };
  for (const segment of jpeg.segments) {
    const { marker, start, end, dataEnd } = segment;
    if (marker === 0xc4) readHuffman(file, start, end, tables.huffman);
    else if (marker === 0xdb) readQuant(file, start, end, tables.quant);
    else if (marker === 0xdd) tables.restartInterval = file.u16(start);
    else if (marker === SOS) {
      const scan = readScanHeader(jpeg, segment);
      for (const { component } of scan.parts) {
        const table = tables.quant[frame.components[component]!.quantTable];
        planes[component]!.quant = table ?? file.fail("a missing quantisation table");
      }
      readScan(jpeg, scan, tables, planes, new BitReader(file, end, dataEnd));
    }
  }
  return planes;
}

/** Decodes one scan into the planes: MCU by MCU, or block by block where it has one component. */
function readScan(jpeg: JpegFile, scan: JpegScan, tables: Tables, planes: Blocks[], bits: BitReader): void {
  const { frame } = jpeg;
  const decode = blockDecoder(jpeg, scan, tables, bits);
  const only =
    scan.parts.length === 1 ? componentSize(frame, frame.components[scan.parts[0]!.component]!) : undefined;
  const grid = mcuGrid(frame);
  const across = only?.blocksX ?? grid.mcusX;
  const units = across * (only?.blocksY ?? grid.mcusY);
  for (let unit = 0; unit < units; unit++) {
    if (tables.restartInterval > 0 && unit > 0 && unit % tables.restartInterval === 0) {
      bits.restart(unit / tables.restartInterval - 1);
      decode.restart();
    }
    const [x, y] = [unit % across, Math.floor(unit / across)];
    scan.parts.forEach(({ component }, part) => {
      const { stride, coefficients } = planes[component]!;
      const { h, v } = only ? { h: 1, v: 1 } : frame.components[component]!;
      for (let block = 0; block < h * v; block++) {
        const at = ((y * v + Math.floor(block / h)) * stride + x * h + (block % h)) * 64;
        decode.block(part, coefficients.subarray(at, at + 64));
      }
    });
  }
  bits.finish();
}

/** What decodes the blocks of one scan, `part` saying which of its components; and what forgets at a restart. */
function blockDecoder(jpeg: JpegFile, scan: JpegScan, { huffman }: Tables, bits: BitReader) {
  const { file, frame } = jpeg;
  const { parts, first, last, high, low } = scan;
  const predictors = parts.map(() => 0);
  /** Blocks still to come whose band ends at once. */
  let endOfBand = 0;
  const table = (index: number): Huffman => huffman[index] ?? file.fail("a missing Huffman table");

  const readDc = (part: number, block: Int16Array): void => {
    const size = bits.symbol(table(parts[part]!.dcTable));
    if (size > 15) file.fail("a bad Huffman code");
    predictors[part]! += bits.signed(size);
    block[0] = predictors[part]! * 2 ** low;
  };
  /** New coefficients from `from` on (T.81 figures F.13 and G.3). */
  const readAc = (part: number, block: Int16Array, from: number): void => {
    if (endOfBand > 0) {
      endOfBand--;
      return;
    }
    const code = table(4 + parts[part]!.acTable);
    for (let k = from; k <= last; k++) {
      const symbol = bits.symbol(code);
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && run < 15) {
        endOfBand = 2 ** run + bits.bits(run) - 1;
        return;
      }
      k += run;
      if (k > last) file.fail("too many coefficients");
      if (size > 0) block[ZIGZAG[k]!] = bits.signed(size) * 2 ** low;
    }
  };
  /** One more bit of what is known to be there, and coefficients that begin with it (T.81 figure G.7). */
  const refineAc = (part: number, block: Int16Array): void => {
    const step = 2 ** low;
    const refine = (at: number): void => {
      if (bits.bit() && (Math.abs(block[at]!) & step) === 0) block[at]! += block[at]! < 0 ? -step : step;
    };
    const code = table(4 + parts[part]!.acTable);
    let k = first;
    while (k <= last && endOfBand === 0) {
      const symbol = bits.symbol(code);
      let run = symbol >> 4;
      const size = symbol & 15;
      if (size > 1) file.fail("a refinement of more than one bit");
      if (size === 0 && run < 15) {
        endOfBand = 2 ** run + bits.bits(run);
        break;
      }
      const value = size === 0 ? 0 : bits.bit() ? step : -step;
      for (; k <= last; k++) {
        const at = ZIGZAG[k]!;
        if (block[at] !== 0) refine(at);
        else if (--run < 0) break;
      }
      if (k > last && value !== 0) file.fail("too many coefficients");
      if (value !== 0) block[ZIGZAG[k]!] = value;
      k++;
    }
    if (endOfBand === 0) return;
    endOfBand--;
    for (; k <= last; k++) if (block[ZIGZAG[k]!] !== 0) refine(ZIGZAG[k]!);
  };

  return {
    restart(): void {
      predictors.fill(0);
      endOfBand = 0;
    },
    block(part: number, block: Int16Array): void {
      if (high > 0) {
        if (first > 0) refineAc(part, block);
        else block[0]! |= bits.bit() << low;
        return;
      }
      if (first === 0) readDc(part, block);
      if (last > 0) readAc(part, block, Math.max(first, 1));
      if (!frame.progressive && endOfBand > 0) file.fail("a bad Huffman code");
    },
  };
}

function readHuffman(file: PictureFile, start: number, end: number, tables: Huffman[]): void {
  for (let at = start; at < end; ) {
    const place = file.u8(at);
    const counts = file.bytes.slice(at + 1, at + 17);
    const size = counts.reduce((a, b) => a + b, 0);
    const codes = counts.reduce((sum, n, i) => sum + n * 2 ** -(i + 1), 0); // the share of all codes that these begin
    if (codes > 1 || at + 17 + size > end) file.fail("a bad Huffman table");
    tables[(place >> 4) * 4 + (place & 3)] = { counts, symbols: file.bytes.slice(at + 17, at + 17 + size) };
    at += 17 + size;
  }
}

function readQuant(file: PictureFile, start: number, end: number, tables: Uint16Array[]): void {
  for (let at = start; at < end; ) {
    const place = file.u8(at++);
    const bytes = place >> 4 ? 2 : 1;
    const table = new Uint16Array(64);
    for (let k = 0; k < 64; k++) table[ZIGZAG[k]!] = bytes === 2 ? file.u16(at + 2 * k) : file.u8(at + k);
    tables[place & 3] = table;
    at += 64 * bytes;
  }
}

function zigzag(): Uint8Array {
  const cells = Array.from({ length: 64 }, (_, i) => ({ i, x: i % 8, y: i >> 3 }));
  cells.sort((a, b) => {
    const diagonal = a.x + a.y - (b.x + b.y);
    if (diagonal !== 0) return diagonal;
    return (a.x + a.y) % 2 === 0 ? a.x - b.x : a.y - b.y;
  });
  return Uint8Array.from(cells, ({ i }) => i);
}
