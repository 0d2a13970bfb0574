import { type DataFormat, fileFormat } from "./dataFormat.ts";
import { fileIn, fileName } from "./folder.ts";
import { checkImageSet, type ImageSet } from "./images.ts";
import { checkByteLength, countRecords } from "./recordedSizes.ts";

/** STL-10's classes in the order of their labels (class_names.txt). */
export const STL10_CLASSES: readonly string[] =
  "airplane bird car cat deer dog horse monkey ship truck".split(" ");

const SIDE = 96;
const PLANE = SIDE * SIDE;
/** Bytes of one picture. */
const RECORD = 3 * PLANE;

/**
 * STL-10 binary -> pixels [N, 96, 96, 3], labels [N].
 * `images` is train_X.bin, test_X.bin or unlabeled_X.bin: three planes per picture, each **column-major**.
 * `labels` is train_y.bin or test_y.bin: one byte 1..10 per picture, given back as 0..9; without it all are -1.
 * Source: https://cs.stanford.edu/~acoates/stl10/.
 */
export function readStl10(images: Uint8Array, labels?: Uint8Array): ImageSet {
  const count = countRecords("stl10 images", images, RECORD, 5000);
  if (labels) checkByteLength("stl10 labels", labels, count, "one per picture");
  const wrong = labels?.findIndex((label) => label < 1 || label > STL10_CLASSES.length) ?? -1;
  if (wrong >= 0) {
    throw new Error(`stl10 labels: must be 1..10; got ${labels![wrong]} for picture ${wrong}.`);
  }
  const pixels = new Uint8Array(images.length);
  for (let image = 0; image < count; image++) {
    const from = image * RECORD;
    for (let c = 0; c < 3; c++) {
      for (let x = 0; x < SIDE; x++) {
        for (let y = 0; y < SIDE; y++) {
          pixels[from + (y * SIDE + x) * 3 + c] = images[from + c * PLANE + x * SIDE + y]!;
        }
      }
    }
  }
  return checkImageSet({
    name: "stl10",
    width: SIDE,
    height: SIDE,
    count,
    pixels,
    labels: Int32Array.from({ length: count }, (_, i) => (labels ? labels[i]! - 1 : -1)),
    classes: STL10_CLASSES,
  });
}

/** STL-10's folder. The unlabeled pictures are the training set where train_X.bin is not there. */
export const stl10: DataFormat = fileFormat({
  name: "STL-10",
  holds:
    "train_X.bin, train_y.bin, test_X.bin, test_y.bin (the binary version), or unlabeled_X.bin alone to pretrain on",
  files: { train: /^(train|unlabeled)_X\.bin$/, test: /^test_X\.bin$/ },
  async read(files, folder, { path, limit, note }) {
    const [images, unlabeled] = files; // by name: train_X.bin before unlabeled_X.bin
    if (fileName(images!) === "unlabeled_X.bin") {
      const most = limit === undefined ? undefined : limit * RECORD;
      return readStl10((await images!.read(most)).subarray(0, most));
    }
    const labels = fileIn(folder, fileName(images!).replace("_X", "_y"));
    if (!labels) {
      throw new Error(
        `${images!.path}: its labels must lie beside it as ${fileName(images!).replace("_X", "_y")}`,
      );
    }
    if (unlabeled) {
      note?.(`${path}: unlabeled_X.bin is left out; to pretrain on it, name a folder that holds it alone`);
    }
    return readStl10(await images!.read(), await labels.read());
  },
});
