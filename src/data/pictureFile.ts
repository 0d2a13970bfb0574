/**
 * Most pixels a picture may have: where Pillow, too, takes the file for a bomb (twice its MAX_IMAGE_PIXELS).
 * A header can ask for 4 billion with a dozen bytes.
 */
export const MAX_PIXELS = 178_956_970;

/** A picture's file while it is read: numbers in it, and the errors that name it. */
export class PictureFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** JPEG, PNG or WebP. */
  readonly format: string;

  constructor(name: string, bytes: Uint8Array, format: string) {
    this.name = name;
    this.bytes = bytes;
    this.format = format;
  }

  u8(at: number): number {
    return this.bytes[at] ?? this.fail("premature end of file");
  }

  /** Big-endian. */
  u16(at: number): number {
    return this.u8(at) * 256 + this.u8(at + 1);
  }

  /** Big-endian. */
  u32(at: number): number {
    return this.u16(at) * 65536 + this.u16(at + 2);
  }

  /** `length` characters, one a byte. */
  text(at: number, length: number): string {
    return String.fromCharCode(...this.bytes.subarray(at, at + length));
  }

  /** Throws unless a picture of this size can be: not empty, and not so large that the file must be a bomb. */
  checkSize(width: number, height: number): void {
    if (width === 0 || height === 0) this.fail(`an empty picture, ${width} x ${height}`);
    if (width * height > MAX_PIXELS)
      throw new Error(
        `decode: ${this.name} must have at most ${MAX_PIXELS} pixels; its header says ${width} x ${height}. ` +
          "Scale it down, or leave it out.",
      );
  }

  /** The file is cut or damaged. */
  fail(reason: string, cause?: unknown): never {
    throw new Error(
      `decode: ${this.name} must be a whole ${this.format} file; got ${this.bytes.length} bytes with "${reason}". ` +
        "Fetch the file again, or leave it out.",
      { cause },
    );
  }

  /** The file may be whole, but is of a kind that is not read. */
  refuse(kinds: string, got: string): never {
    throw new Error(
      `decode: ${this.name} must be a ${this.format} of a kind that is read (${kinds}); got ${got}. ` +
        "Convert it, or leave it out.",
    );
  }
}

/** The bytes of all parts, one after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
