import { type Folder, fileName, foldersFrom } from "./folder.ts";

/** Formats that are known and not read: how their files are called, and what to do instead. */
const UNREAD_FORMATS: readonly { files: RegExp; name: string; instead: string }[] = [
  {
    files: /^(data_batch_\d+|test_batch|batches\.meta)$/,
    name: "the Python version of CIFAR-10",
    instead: "Download the binary version, cifar-10-binary.tar.gz",
  },
  {
    files: /^(train|test|meta)$/,
    name: "the Python version of CIFAR-100",
    instead: "Download the binary version, cifar-100-binary.tar.gz",
  },
  {
    files: /\.np[yz]$/i,
    name: "NumPy arrays",
    instead:
      "Download the IDX files (train-images-idx3-ubyte.gz and so on), or write the pictures as PNG files",
  },
  {
    files: /\.mat$/i,
    name: "MATLAB arrays",
    instead:
      "Download the binary version (stl10_binary.tar.gz, cifar-10-binary.tar.gz), or write the pictures as PNG files",
  },
  {
    files: /\.(parquet|arrow|tfrecords?(-\d.*)?|h5|hdf5|lmdb|mdb|pkl|pickle|pt|pth|beton)$/i,
    name: "records of a training library",
    instead: "Write the pictures as PNG or JPEG files, one folder for each class",
  },
  {
    files: /\.(tar|tar\.\w+|tgz|zip|7z|rar|xz)$/i,
    name: "an archive",
    instead: "Unpack it and name the folder inside",
  },
];

/** Folders are searched this deep for what is to be named. */
export const SEARCH_DEPTH = 3;

/** What a folder without anything that is read holds instead, as a sentence; undefined where nothing is known. */
export function knownAndUnread(folder: Folder): string | undefined {
  for (const { files, name, instead } of UNREAD_FORMATS) {
    for (const inside of foldersFrom(folder, SEARCH_DEPTH)) {
      const found = inside.files.find((entry) => files.test(fileName(entry)));
      if (found) return `got ${found.path} (${name}), which is not read. ${instead}`;
    }
  }
  return undefined;
}
