import type { FolderEntry } from "../folder.ts";
import type { Picture } from "../resize.ts";

/** How much larger a file is than the picture that was annotated. Throws where it has another shape. */
export function scaleOf(
  file: FolderEntry,
  picture: Picture,
  annotated: { width: number; height: number },
): number {
  const { width, height } = picture;
  const scale = width / annotated.width;
  if (Math.abs(annotated.height * scale - height) <= 1 + scale) return scale;
  throw new Error(
    `${file.path}: must be ${annotated.width} x ${annotated.height} as it was annotated, or a scaled copy; got ${width} x ${height}`,
  );
}
