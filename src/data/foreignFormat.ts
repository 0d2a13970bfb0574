interface Format {
  what: string;
  fix?: string;
  /** What such a file has at `at`, one character a byte. */
  starts: string[];
  at?: number;
}

/** Files that are found where a picture should be, and are no JPEG, PNG or WebP. */
const FORMATS: Format[] = [
  { what: "a GIF", starts: ["GIF8"] },
  { what: "a BMP", starts: ["BM"] },
  { what: "a TIFF", starts: ["II*\0", "MM\0*"] },
  { what: "an AVIF", starts: ["ftypavif", "ftypavis"], at: 4 },
  { what: "a HEIC", starts: ["ftyphei", "ftyphev", "ftypmif1", "ftypmsf1"], at: 4 },
  { what: "a JPEG XL", starts: ["\xff\x0a", "\0\0\0\x0cJXL "] },
  { what: "a JPEG 2000", starts: ["\xff\x4f\xff\x51", "\0\0\0\x0cjP  "] },
  { what: "a PNM", starts: ["P1\n", "P2\n", "P3\n", "P4\n", "P5\n", "P6\n", "P7\n"] },
  { what: "an SVG", starts: ["<svg", "<?xml"] },
  { what: "a web page", starts: ["<"], fix: "Check the address it came from" },
  { what: "a Git LFS pointer", starts: ["version https://git-lfs"], fix: "Run git lfs pull" },
  { what: "macOS's notes about a file", starts: ["\0\x05\x16\x07", "\0\x05\x16\0"], fix: "Delete it" },
];

/** The second half of an error: what a file is that is not read, and the likely fix. */
export function describeForeign(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file. Fetch the file again, or leave it out.";
  const text = String.fromCharCode(...bytes.subarray(0, 64));
  const format = FORMATS.find(({ starts, at }) => starts.some((start) => text.startsWith(start, at)));
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const { what, fix = "Convert it" } = format ?? { what: `${bytes.length} bytes that start with ${start}` };
  return `${what}. ${fix}, or leave it out.`;
}
