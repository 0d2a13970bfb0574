import { strictText } from "./text.ts";

/** The bytes of a pickle, taken one after the other: numbers, strings, and the place of the opcode at work for messages. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #origin: number;
  #at: number;
  #opcodeAt: number;

  /** Begins at byte `start`; `origin` is where in its file the first of the bytes lies. */
  constructor(bytes: Uint8Array, start: number, origin: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#origin = origin;
    this.#at = start;
    this.#opcodeAt = start;
  }

  /** Bytes up to the next one. */
  get at(): number {
    return this.#at;
  }

  /** The byte of the file where the opcode at work lies. */
  get place(): number {
    return this.#origin + this.#opcodeAt;
  }

  /** What to throw where the opcode at work does not find what it needs. */
  fault(wanted: string): Error {
    return new Error(`readPickle: byte ${this.place} must hold ${wanted}`);
  }

  opcode(): number {
    this.#opcodeAt = this.#at;
    return this.take(1, "an opcode")[0]!;
  }

  take(length: number, what: string): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      const last = this.#origin + this.#bytes.length;
      throw this.fault(`${what} of ${length} bytes; got the end at ${last}`);
    }
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  u8(): number {
    return this.take(1, "a number")[0]!;
  }

  u16(): number {
    this.take(2, "a number");
    return this.#view.getUint16(this.#at - 2, true);
  }

  u32(): number {
    this.take(4, "a number");
    return this.#view.getUint32(this.#at - 4, true);
  }

  /** Big-endian, alone of all. */
  f64(): number {
    this.take(8, "a number");
    return this.#view.getFloat64(this.#at - 8, false);
  }

  text(length: number): string {
    const text = strictText(this.take(length, "text"));
    if (text === null) throw this.fault("text in UTF-8; got other bytes");
    return text;
  }

  /** The text up to the next line feed. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.fault("a name that ends with a line feed; got none");
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  /** A whole number in two's complement, a bigint beyond 2^53. */
  long(): number | bigint {
    const bytes = this.take(this.u8(), "a long integer");
    let value = 0n;
    for (const [i, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * i);
    const signed = BigInt.asIntN(8 * bytes.length, value);
    const small = Number(signed);
    return Number.isSafeInteger(small) ? small : signed;
  }
}
