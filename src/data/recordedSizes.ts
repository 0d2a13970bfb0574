/**
 * Throws unless a file has the length that its format prescribes.
 * The message says what was expected, what came, and what is the likely reason.
 */
export function checkByteLength(where: string, bytes: Uint8Array, expected: number, meaning: string): void {
  const got = bytes.length;
  if (got === expected) return;
  throw new Error(
    `${where}: needs ${expected} bytes (${meaning}); got ${got}. ${likelyFix(bytes, expected)}`,
  );
}

/**
 * The number of fixed-size records in a file of nothing but records.
 * Throws when the file is empty or its length is not a multiple of `recordBytes`.
 */
export function countRecords(
  where: string,
  bytes: Uint8Array,
  recordBytes: number,
  usualCount: number,
): number {
  const count = Math.floor(bytes.length / recordBytes);
  if (count > 0 && count * recordBytes === bytes.length) return count;
  const expected = usualCount * recordBytes;
  throw new Error(
    `${where}: needs a multiple of ${recordBytes} bytes (${usualCount} records are ${expected}); ` +
      `got ${bytes.length}. ${likelyFix(bytes, expected)}`,
  );
}

function likelyFix(bytes: Uint8Array, expected: number): string {
  if (bytes.length === 0) return "The file is empty: download it again.";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "The file is gzip-compressed: unpack it first.";
  if (bytes[0] === 0x3c) return "The file starts like a web page: check the download address.";
  if (bytes.length < expected) return "The download was probably cut short: fetch the file again.";
  return "It is probably a file of another format or another data set.";
}
