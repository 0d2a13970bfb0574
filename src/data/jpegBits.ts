/** The bits of a JPEG file: bytes, Huffman codes and signed values. ITU-T T.81, annexes B and F. */

/** Canonical Huffman code: for each length, the first code, the first index and how many. */
export interface Huffman {
  counts: Uint8Array;
  symbols: Uint8Array;
}

/** The bytes of a file, where reading past the end or a rule of the format broken ends with an error that names it. */
export class Source {
  readonly name: string;
  readonly file: Uint8Array;

  constructor(name: string, file: Uint8Array) {
    this.name = name;
    this.file = file;
  }

  u8(at: number): number {
    return this.file[at] ?? this.fail("premature end of file");
  }

  u16(at: number): number {
    return this.u8(at) * 256 + this.u8(at + 1);
  }

  fail(reason: string): never {
    throw new Error(
      `decode: ${this.name} must be a whole sequential CMYK JPEG; got ${this.file.length} bytes with "${reason}". ` +
        "Fetch it again, or save it as an RGB JPEG.",
    );
  }
}

/** Entropy-coded data, bit by bit. */
export class BitReader {
  readonly source: Source;
  /** Next byte to read. */
  at: number;
  private byte = 0;
  private held = 0;

  constructor(source: Source, at: number) {
    this.source = source;
    this.at = at;
  }

  private bit(): number {
    if (this.held === 0) {
      this.byte = this.source.u8(this.at++);
      if (this.byte === 0xff && this.source.u8(this.at++) !== 0)
        this.source.fail("data end inside the picture");
      this.held = 8;
    }
    this.held--;
    return (this.byte >> this.held) & 1;
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
    return this.source.fail("a bad Huffman code");
  }

  /** A value of `size` bits; those with a leading 0 are negative (T.81 figure F.12). */
  signed(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 2 + this.bit();
    return size > 0 && value < 2 ** (size - 1) ? value - 2 ** size + 1 : value;
  }

  /** Drops the rest of the byte and the restart marker after it. */
  skipRestart(): void {
    this.held = 0;
    const isRestart = this.source.u8(this.at) === 0xff && (this.source.u8(this.at + 1) & 0xf8) === 0xd0;
    if (!isRestart) this.source.fail("a missing restart marker");
    this.at += 2;
  }
}
