import { cifar10, cifar100 } from "./cifar.ts";
import type { DataFormat } from "./dataFormat.ts";
import { pictureFolders, splitFolders } from "./imageFolder.ts";
import { emnist, mnist, qmnist } from "./mnist.ts";
import { stl10 } from "./stl10.ts";
import { tinyImageNet } from "./tinyImageNet.ts";

/**
 * Every format in which a data set is read, in the order in which a folder is tried. A new one is a file with its reader
 * and a line here; the help, recognition and errors follow.
 */
export const FORMATS: readonly DataFormat[] = [
  cifar10,
  cifar100,
  stl10,
  mnist,
  qmnist,
  emnist,
  tinyImageNet,
  splitFolders,
];

/** What is tried last, where no folder below is of a format above either. */
export const LAST_FORMAT: DataFormat = pictureFolders;
