/** The bits of a JPEG's entropy-coded data: Huffman codes and signed values. ITU-T T.81, annexes B and F. */
import type { PictureFile } from "./pictureFile.ts";

/** Canonical Huffman code: how many codes each length 1..16 has, and all their symbols. */
export interface Huffman {
  counts: Uint8Array;
  symbols: Uint8Array;
}

/** Entropy-coded data of one scan, bit by bit. */
export class BitReader {
  readonly file: PictureFile;
  /** Next byte to read. */
  private at: number;
  private readonly end: number;
  private byte = 0;
  private held = 0;

  /** Reads bytes `at` to `end` of the file. */
  constructor(file: PictureFile, at: number, end: number) {
    this.file = file;
    this.at = at;
    this.end = end;
  }

  bit(): number {
    if (this.held === 0) {
      this.byte = this.next();
      if (this.byte === 0xff) {
        let stuffed = this.next();
        while (stuffed === 0xff) stuffed = this.next(); // fill bytes
        if (stuffed !== 0) this.file.fail("a marker inside the picture data");
      }
      this.held = 8;
    }
    this.held--;
    return (this.byte >> this.held) & 1;
  }

  private next(): number {
    if (this.at >= this.end) this.file.fail("premature end of picture data");
    return this.file.u8(this.at++);
  }

  /** `size` bits as a number. */
  bits(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 2 + this.bit();
    return value;
  }

  /** A value of `size` bits; those with a leading 0 are negative (T.81 figure F.12). */
  signed(size: number): number {
    const value = this.bits(size);
    return size > 0 && value < 2 ** (size - 1) ? value - 2 ** size + 1 : value;
  }

  /** The next symbol of a canonical code. */
  symbol({ counts, symbols }: Huffman): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (const n of counts) {
      code = code * 2 + this.bit();
      if (code - first < n) return symbols[index + code - first]!;
      index += n;
      first = (first + n) * 2;
    }
    return this.file.fail("a bad Huffman code");
  }

  /** Drops the rest of the byte and takes the restart marker that must follow. */
  restart(index: number): void {
    this.held = 0;
    const byte = this.next();
    let marker = this.next();
    while (marker === 0xff) marker = this.next();
    if (byte !== 0xff || marker !== 0xd0 + (index & 7)) this.file.fail("a missing restart marker");
  }

  /** Throws if data are left: nothing may follow the last block but fill bytes and restart markers. */
  finish(): void {
    while (this.at < this.end) {
      const byte = this.next();
      if (byte !== 0xff && !(byte >= 0xd0 && byte <= 0xd7)) this.file.fail("data left after the picture");
    }
  }
}
