/** zlib streams, RFC 1950 and 1951, at once and with their checksum held to (a platform's own decompressors are asynchronous). */

/** How lengths 3..258 and distances 1..32768 are written: code i stands for base[i] and the next extra[i] bits. */
const LENGTHS = /* @__PURE__ */ steps(3, 4, 28, [258]);
const DISTANCES = /* @__PURE__ */ steps(1, 2, 30);

/** The order in which the lengths of the code length code come. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A prefix code: for every `bits` next bits (the first lowest) symbol * 16 + length, 0 where no code begins like that. */
interface Code {
  bits: number;
  table: Uint16Array;
}

/** The fixed codes for literals and lengths, and for distances. */
const FIXED = /* @__PURE__ */ [
  Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
  new Uint8Array(30).fill(5),
].map(prefixCode) as [Code, Code];

/** Bytes that a stream may hold beyond those that were asked for: a stream can hold a thousand times its own size. */
const SPARE = 2 ** 20;

/**
 * Decompresses a zlib stream that holds `size` bytes; what it holds beyond them is read, checked and dropped.
 * Throws where the stream is cut, breaks the format, holds less or has another Adler-32.
 */
export function inflate(stream: Uint8Array, size: number): Uint8Array {
  const out = unpacked(stream, size, size + SPARE);
  if (out.length < size) throw new Error(`${out.length} bytes of pixels, not ${size}`);
  return out.subarray(0, size);
}

/** Decompresses a zlib stream of unknown size. Throws as `inflate`, and where it holds more than `most` bytes. */
export const inflateAll = (stream: Uint8Array, most: number): Uint8Array =>
  unpacked(stream, Math.min(most, 4 * stream.length), most);

/** All that a stream holds, up to `most` bytes; `expected` is the room it gets at first. */
function unpacked(stream: Uint8Array, expected: number, most: number): Uint8Array {
  const header = stream[0]! * 256 + stream[1]!;
  if (stream.length < 6 || (stream[0]! & 15) !== 8 || header % 31 !== 0 || stream[1]! & 0x20)
    throw new Error("no zlib stream");
  const { out, end } = new Inflater(stream.subarray(2), expected, most).run();
  const sum = stream.subarray(2 + end, 6 + end);
  if (sum.length < 4) throw new Error("compressed data end early");
  if (adler32(out) !== sum.reduce((value, byte) => value * 256 + byte, 0))
    throw new Error("a wrong Adler-32");
  return out;
}

/** One raw deflate stream on its way to bytes. */
class Inflater {
  private readonly input: Uint8Array;
  private readonly most: number;
  private at = 0;
  private bitBuffer = 0;
  private held = 0;
  private out: Uint8Array;
  private length = 0;

  constructor(input: Uint8Array, expected: number, most: number) {
    this.input = input;
    this.most = most;
    this.out = new Uint8Array(expected);
  }

  /** All of the stream; and how many bytes of input it takes. */
  run(): { out: Uint8Array; end: number } {
    for (let last = 0; last === 0; ) {
      last = this.take(1);
      const type = this.take(2);
      if (type === 0) this.stored();
      else if (type === 1) this.compressed(...FIXED);
      else if (type === 2) this.compressed(...this.codes());
      else throw new Error("a compressed block of no kind");
    }
    return { out: this.out.subarray(0, this.length), end: this.at - (this.held >> 3) };
  }

  /** Makes sure of `count` bits, up to 16; past the end of the input there are zeros, which `drop` does not let pass. */
  private hold(count: number): void {
    while (this.held < count) {
      this.bitBuffer |= (this.input[this.at++] ?? 0) << this.held;
      this.held += 8;
    }
  }

  private drop(count: number): void {
    this.bitBuffer >>>= count;
    this.held -= count;
    if (this.at - (this.held >> 3) > this.input.length) throw new Error("compressed data end early");
  }

  private take(count: number): number {
    this.hold(count);
    const value = this.bitBuffer & ((1 << count) - 1);
    this.drop(count);
    return value;
  }

  private symbol({ bits, table }: Code): number {
    this.hold(bits);
    const entry = table[this.bitBuffer & ((1 << bits) - 1)]!;
    if (entry === 0) throw new Error("a bad code in compressed data");
    this.drop(entry & 15);
    return entry >> 4;
  }

  private stored(): void {
    this.drop(this.held & 7);
    const count = this.take(16);
    if (this.take(16) !== (count ^ 0xffff)) throw new Error("a stored block of no length");
    this.at -= this.held >> 3;
    this.held = 0;
    this.bitBuffer = 0;
    const bytes = this.input.subarray(this.at, this.at + count);
    if (bytes.length < count) throw new Error("compressed data end early");
    this.reserve(count);
    this.out.set(bytes, this.length);
    this.length += count;
    this.at += count;
  }

  private compressed(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        if (this.length === this.out.length) this.reserve(1);
        this.out[this.length++] = symbol;
        continue;
      }
      const count = this.value(LENGTHS, symbol - 257);
      const distance = this.value(DISTANCES, this.symbol(distances));
      if (distance > this.length) throw new Error("compressed data that refer to before their start");
      this.reserve(count);
      const { out } = this;
      for (let to = this.length, end = to + count; to < end; to++) out[to] = out[to - distance]!;
      this.length += count;
    }
  }

  private value({ base, extra }: typeof LENGTHS, code: number): number {
    const first = base[code];
    if (first === undefined) throw new Error("a bad code in compressed data");
    return first + this.take(extra[code]!);
  }

  /** The codes at the start of a block that brings its own. */
  private codes(): [Code, Code] {
    const literals = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const count = this.take(4) + 4;
    const lengthLengths = new Uint8Array(19);
    for (let i = 0; i < count; i++) lengthLengths[LENGTH_ORDER[i]!] = this.take(3);
    const lengthCode = prefixCode(lengthLengths);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.symbol(lengthCode);
      if (symbol < 16) lengths[i++] = symbol;
      else {
        if (symbol === 16 && i === 0) throw new Error("a repetition of nothing");
        const value = symbol === 16 ? lengths[i - 1]! : 0;
        const times = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
        if (i + times > lengths.length) throw new Error("too many code lengths");
        lengths.fill(value, i, i + times);
        i += times;
      }
    }
    if (lengths[256] === 0) throw new Error("a compressed block without an end");
    return [prefixCode(lengths.subarray(0, literals)), prefixCode(lengths.subarray(literals))];
  }

  /** Makes room for `count` more bytes, up to 64 KiB. */
  private reserve(count: number): void {
    if (this.length + count <= this.out.length) return;
    if (this.length + count > this.most) throw new Error("far more data than there may be");
    const larger = new Uint8Array(Math.min(this.most, 2 * this.out.length + SPARE));
    larger.set(this.out);
    this.out = larger;
  }
}

/** Canonical code from the length of each symbol's code, 0 for none. Throws where the lengths fit no such code. */
function prefixCode(lengths: Uint8Array): Code {
  const bits = Math.max(1, ...lengths);
  const table = new Uint16Array(1 << bits);
  let code = 0;
  let used = 0;
  for (let length = 1; length <= bits; length++) {
    lengths.forEach((own, symbol) => {
      if (own !== length) return;
      let reversed = 0;
      for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
      for (let i = reversed; i < table.length; i += 1 << length) table[i] = symbol * 16 + length;
      code++;
      used += 2 ** (bits - length);
    });
    code <<= 1;
  }
  if (used > table.length) throw new Error("code lengths of no code");
  return { bits, table };
}

/** `count` codes whose values follow each other from `first` on; a further extra bit for every `group` of them, after the first two groups. */
function steps(first: number, group: number, count: number, then: number[] = []) {
  const extra = Array.from({ length: count }, (_, i) => Math.max(0, Math.floor(i / group) - 1));
  const base = extra.map((_, i) => extra.slice(0, i).reduce((sum, bits) => sum + 2 ** bits, first));
  return { base: [...base, ...then], extra: [...extra, ...then.map(() => 0)] };
}

/** RFC 1950, section 8.2. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(bytes.length, at + 3800); at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
