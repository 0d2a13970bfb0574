import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** IHDR's last five bytes: 8 bits, RGB, deflate, adaptive filters, no interlace (PNG section 11.2.1). */
const RGB8 = [8, 2, 0, 0, 0];

/** A chunk: length, name, data, checksum of name and data. */
function chunk(name: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
  return Buffer.concat([word(data.length), named, word(crc32(named))]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A picture as a PNG file, every row unfiltered. pixels uint8 RGB [height, width, 3]. */
export function encodePng(width: number, height: number, pixels: ArrayLike<number>): Uint8Array {
  const stride = 3 * width;
  if (pixels.length !== stride * height) {
    throw new Error(
      `encodePng: ${width} x ${height} pixels need ${stride * height} bytes; got ${pixels.length}`,
    );
  }
  const rows = new Uint8Array((stride + 1) * height); // each begins with filter 0
  for (let i = 0; i < pixels.length; i++) rows[i + Math.floor(i / stride) + 1] = pixels[i]!;
  const header = Buffer.concat([word(width), word(height), Buffer.from(RGB8)]);
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}
