/**
 * Histograms of oriented gradients (Dalal & Triggs 2005), the plain kind: luminance, cells of 4 x 4 pixels, 9 unsigned
 * orientations, each block of 2 x 2 cells normalised. A feature that knows shapes and no colours, for tests of picture sets.
 */
const CELL = 4;
const BINS = 9;

/** pixels [size, size, 3] -> features [(size / 4 - 1)^2 * 36], each block of length 1. */
export function hog(pixels: Uint8Array, size: number): Float64Array {
  const light = Float64Array.from(
    { length: size * size },
    (_, i) => 0.299 * pixels[3 * i]! + 0.587 * pixels[3 * i + 1]! + 0.114 * pixels[3 * i + 2]!,
  );
  const at = (x: number, y: number) =>
    light[Math.min(size - 1, Math.max(0, y)) * size + Math.min(size - 1, Math.max(0, x))]!;
  const cells = size / CELL;
  const histograms = new Float64Array(cells * cells * BINS);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const dx = at(x + 1, y) - at(x - 1, y);
      const dy = at(x, y + 1) - at(x, y - 1);
      const angle = ((Math.atan2(dy, dx) / Math.PI + 1) % 1) * BINS;
      const bin = Math.floor(angle) % BINS;
      const cell = (Math.floor(y / CELL) * cells + Math.floor(x / CELL)) * BINS;
      const share = angle - Math.floor(angle);
      histograms[cell + bin]! += (1 - share) * Math.hypot(dx, dy);
      histograms[cell + ((bin + 1) % BINS)]! += share * Math.hypot(dx, dy);
    }
  }
  const features: number[] = [];
  for (let y = 0; y + 1 < cells; y++) {
    for (let x = 0; x + 1 < cells; x++) {
      const block = [0, 1, cells, cells + 1].flatMap((step) => {
        const cell = (y * cells + x + step) * BINS;
        return [...histograms.subarray(cell, cell + BINS)];
      });
      const length = Math.hypot(...block, 1);
      features.push(...block.map((value) => value / length));
    }
  }
  return Float64Array.from(features);
}
