import { expect, test } from "vitest";
import type { Split } from "../../src/data/dataFormat.ts";
import { readDataSet } from "../../src/data/dataSet.ts";
import type { FolderEntry } from "../../src/data/folder.ts";
import { FORMATS } from "../../src/data/formats.ts";
import { entry, file, pictures, toy } from "./listed.ts";

/** Reads a listing -> the set's name, how many pictures each class has, and what was noted. */
async function read(entries: readonly FolderEntry[], split: Split, limit?: number) {
  const notes: string[] = [];
  const set = await readDataSet(entries, {
    split,
    name: "set",
    path: "data/set",
    limit,
    openDecoder: async () => toy,
    note: (sentence) => notes.push(sentence),
  });
  const counts = set.classes.map((name, label) => `${name} ${set.labels.filter((l) => l === label).length}`);
  const without = set.labels.filter((label) => label < 0).length;
  return {
    set,
    said: `${set.name}: ${[...counts, ...(without > 0 ? [`unlabelled ${without}`] : [])].join(", ")}`,
    notes,
  };
}

const both = "{train,test}/{a,b}/{1,2}.png";

/** A folder, a split, what it is read as, and what is noted. */
const layouts: [string, FolderEntry[], Split, string, ...RegExp[]][] = [
  ["splits of classes", pictures(both), "test", "set-test: a 2, b 2"],
  [
    "other names of splits",
    pictures("Training/{a,b}/1.jpg", "Test/{a,b}/1.jpg"),
    "train",
    "set-train: a 1, b 1",
  ],
  ["and the other", pictures("Training/{a,b}/1.jpg", "Testing/{a,b}/1.jpg"), "test", "set-test: a 1, b 1"],
  ["valid", pictures("train/{a,b}/1.jpg", "valid/b/1.jpg"), "test", "set-val: a 0, b 1"],
  ["validation", pictures("train/{a,b}/1.jpg", "Validation/b/1.jpg"), "test", "set-val: a 0, b 1"],
  [
    "splits with a year",
    pictures("{train,val,unlabeled}2017/{1,2}.png"),
    "train",
    "set-train: unlabelled 2",
    /: 2 pictures are left out, in none of the splits/,
  ],
  [
    "splits called sets",
    pictures("{training,test}set/{a,b}/1.png", "val_images/a/1.png"),
    "test",
    "set-test: a 1, b 1",
  ],
  ["a class called train", pictures("{bus,car,train}/{1,2}.png"), "train", "set: bus 2, car 2, train 2"],
  ["classes called test and val", pictures("{good,test}/1.png"), "train", "set: good 1, test 1"],
  [
    "the same inside of a split",
    pictures("{train,test}/{bus,train,val}/1.png"),
    "test",
    "set-test: bus 1, train 1, val 1",
  ],
  ["and one level down", pictures("{road,rail}/{bus,train}/1.png"), "train", "set: rail 2, road 2"],
  [
    "hidden folders and files",
    [...pictures(both), ...pictures("train/.ipynb_checkpoints/1.png", "train/a/._1.png")],
    "train",
    "set-train: a 2, b 2",
  ],
  [
    "what tools leave",
    [...pictures(both), ...pictures("__MACOSX/train/a/1.png", "train/@eaDir/1.png")],
    "train",
    "set-train: a 2, b 2",
  ],
  [
    "folders without pictures",
    [...pictures("train/{a,b}/1.png"), entry("train/docs/readme.txt", 1)],
    "train",
    "set-train: a 1, b 1",
  ],
  [
    "names in two forms of Unicode",
    pictures("train/{b,cafe\u0301}/1.png", "test/{b,caf\u00e9}/1.png"),
    "test",
    "set-test: b 1, caf\u00e9 1",
  ],
  ["the same in one split", pictures("{b,cafe\u0301,caf\u00e9}/1.png"), "train", "set: b 1, caf\u00e9 2"],
  ["no labels at all", pictures("{1,2,3}.png"), "train", "set: unlabelled 3"],
  ["no labels in a split", pictures("train/{1,2}.png", "test/1.png"), "train", "set-train: unlabelled 2"],
  [
    "an unlabelled test split beside val",
    pictures("{train,val}/{a,b}/1.png", "test/{1,2}.png"),
    "test",
    "set-val: a 1, b 1",
  ],
  [
    "the same in a folder",
    pictures("{train,val}/{a,b}/1.png", "test/images/1.png"),
    "test",
    "set-val: a 1, b 1",
  ],
  [
    "formats that are not read",
    pictures("train/{a,b}/1.webp", "train/a/{1,2}.bmp", "train/b/1.GIF", "train/b/1.avif"),
    "train",
    "set-train: a 1, b 1",
    /^set-train: 4 pictures are left out, in formats that are not read \(\.bmp 2, \.gif 1, \.avif 1\): convert/,
  ],
  [
    "pictures in no class",
    pictures("train/{a,b}/1.png", "train/{x,y}.png"),
    "train",
    "set-train: a 1, b 1",
    /^set-train: 2 pictures are left out, in no class folder \(train\/x.png, train\/y.png\)$/,
  ],
  [
    "pictures in no split",
    pictures(both, "docs/1.png", "logo.png"),
    "train",
    "set-train: a 2, b 2",
    /^set-train: 2 pictures are left out, in none of the splits \(docs\/1.png, logo.png\)$/,
  ],
];

test.each(layouts)("%s", async (_, entries, split, expected, ...notes) => {
  const got = await read(entries, split);
  expect(got.said).toBe(expected);
  expect(got.notes).toHaveLength(notes.length);
  for (const [i, note] of notes.entries()) expect(got.notes[i]).toMatch(note);
});

/** A folder, a split, and the sentence that refuses it. */
const refused: [string, FolderEntry[], Split, RegExp][] = [
  [
    "a folder above",
    pictures("ILSVRC/train/{a,b}/1.png"),
    "train",
    /^data\/set: must be the folder of one data set; got the folder above it\. Name data\/set\/ILSVRC$/,
  ],
  [
    "a folder above several",
    pictures("{bottle,cable}/{train,test}/good/1.png"),
    "train",
    /above 2 of them\. Name one of data\/set\/bottle, data\/set\/cable$/,
  ],
  [
    "a folder above files",
    [entry("MNIST/raw/train-images-idx3-ubyte", 0)],
    "test",
    /Name data\/set\/MNIST\/raw$/,
  ],
  [
    "a folder above CIFAR",
    [entry("cifar-10-batches-bin/test_batch.bin", 0), ...pictures("shots/1.png")],
    "test",
    /Name data\/set\/cifar-10-batches-bin$/,
  ],
  [
    "CIFAR-10 for Python",
    [entry("data_batch_1", 0), entry("batches.meta", 0)],
    "train",
    /Python version of CIFAR-10.* Download the binary version, cifar-10-binary\.tar\.gz$/,
  ],
  [
    "the same from above",
    [entry("cifar-10-batches-py/test_batch", 0)],
    "train",
    /got cifar-10-batches-py\/test_batch \(the Python version/,
  ],
  ["CIFAR-100 for Python", [entry("meta", 0), entry("train", 0)], "train", /cifar-100-binary\.tar\.gz$/],
  [
    "NumPy",
    [entry("kmnist-train-imgs.npz", 0)],
    "train",
    /kmnist-train-imgs\.npz \(NumPy arrays\), which is not read\. Download the IDX files/,
  ],
  ["MATLAB", [entry("train_32x32.mat", 0)], "train", /MATLAB arrays/],
  ["an archive", [entry("images.tar.gz", 0)], "train", /Unpack it and name the folder inside$/],
  ["nothing", [], "train", /got 0 pictures among 0 files\. Check the folder/],
  [
    "no test split",
    pictures("train/{a,b}/1.png"),
    "test",
    /^data\/set: must hold test\/<class>\/ or val\/<class>\/ for this; got train\/$/,
  ],
  ["no splits", pictures("{a,b}/1.png"), "test", /got neither train\/, test\/ nor val\/$/],
  [
    "no class of the training set",
    pictures("train/{a,b}/1.png", "test/{x,y}/1.png"),
    "test",
    /^set-test: test\/ must have classes of train\/ \(a, b\); got x, y\./,
  ],
  [
    "a split twice",
    pictures("{train,Training}/{a,b}/1.png"),
    "train",
    /one folder for each split; got Training\/, train\//,
  ],
  [
    "a split or a class",
    pictures("train/{a,b}/1.png", "bus/1.png"),
    "train",
    /got train\/ beside bus\/\. Name train\/ itself if it is a split/,
  ],
  [
    "only formats that are not read",
    pictures("train/a/{1,2}.bmp"),
    "train",
    /got 0 pictures among 2 files \(\.bmp 2\)\. Convert them\.$/,
  ],
];

test.each(refused)("%s is refused", async (_, entries, split, sentence) => {
  await expect(read(entries, split)).rejects.toThrow(sentence);
});

test.each<[string, FolderEntry[], number, string]>([
  [
    "folders without pictures beside",
    [...pictures("train/{a,b}/{1,2,3}.png"), entry("train/docs/x.txt", 1)],
    4,
    "set-train: a 2, b 2",
  ],
  ["small classes", pictures("{big}/{1,2,3,4,5,6,7,8,9}.png", "{x,y}/1.png"), 8, "set: big 6, x 1, y 1"],
  ["no classes", pictures("{1,2,3,4}.png"), 3, "set: unlabelled 3"],
  ["more than there are", pictures("{a,b}/1.png"), 9, "set: a 1, b 1"],
])("a limit takes as many as asked: %s", async (_, entries, limit, expected) => {
  expect((await read(entries, "train", limit)).said).toBe(expected);
});

const tiny = [
  ...pictures("train/{n1,n2}/images/{x,y}.JPEG", "val/images/{0,1,2}.JPEG", "test/images/{0,1}.JPEG"),
  entry("train/n1/n1_boxes.txt", 1),
];
const annotated = (text: string) => file("val/val_annotations.txt", new TextEncoder().encode(text));

test("Tiny ImageNet as unpacked: val is labelled by its list, test is nobody's class", async () => {
  const entries = [
    ...tiny,
    annotated("0.JPEG\tn2\t0\t0\t9\t9\r\n1.JPEG\tn1\t0\t0\t9\t9\n2.JPEG\tn2\t0\t0\t9\t9\n"),
  ];
  expect((await read(entries, "train")).said).toBe("set-train: n1 2, n2 2");
  const val = await read(entries, "test");
  expect(val.said).toBe("set-val: n1 1, n2 2");
  expect([...val.set.labels, val.set.pixels[0], val.set.pixels[3]]).toEqual([0, 1, 1, 5, 4]);
  expect(val.notes).toEqual([]);
  await expect(read([...tiny, annotated("0.JPEG\tn2")], "test")).rejects.toThrow(
    "must name every picture; got no 1.JPEG",
  );
  const broken = [...entries.filter(({ path }) => path !== "val/images/1.JPEG"), entry("val/images/1.JPEG")];
  await expect(read(broken, "test")).rejects.toThrow("decode: val/images/1.JPEG must be a toy picture");
  const half = entries.map((one) =>
    one.path === "val/images/1.JPEG" ? { ...one, path: "val/n1/images/1.JPEG" } : one,
  );
  expect((await read(half, "test")).said).toBe("set-val: n1 1, n2 2");
  const more = await read(
    [...entries.slice(0, -1), annotated("0.JPEG\tn2\n1.JPEG\tn1\n2.JPEG\tn2\n3.JPEG\tn2")],
    "test",
  );
  expect(more.notes).toEqual(["data/set: val/val_annotations.txt names 4 pictures; 3 are there and read"]);
});

test("a folder of annotated parts says that its first folders are hardly classes", async () => {
  const birds = [
    ...pictures("images/{001.Crow,002.Jay}/1.jpg"),
    entry("images.txt", 49),
    entry("parts/parts.txt", 49),
  ];
  const { said, notes } = await read(birds, "train");
  expect(said).toBe("set: images 2");
  expect(notes).toEqual([
    "data/set: pictures with parts as CUB-200-2011 has them are read as whole ones, of class images. " +
      "Name data/set/images for the classes in it, or add --parts",
  ]);
});

/** CIFAR-10 records of these labels. */
const cifar = (...labels: number[]) =>
  Uint8Array.from(labels.flatMap((label) => [label, ...new Array<number>(3072).fill(9)]));

test("a part of CIFAR-10 is read, and what is missing of it said in one line", async () => {
  const entries = [1, 2, 4, 5].map((i) => file(`data_batch_${i}.bin`, cifar(i)));
  const { set, notes } = await read(entries, "train");
  expect([...set.labels]).toEqual([1, 2, 4, 5]);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(/10000 pictures each; got data_batch_1.bin with 1, .* no data_batch_3.bin, /);
  const whole = new Uint8Array(10_000 * 3073);
  expect((await read([file("test_batch.bin", whole)], "test")).notes).toEqual([]);
});

test("a limit takes from every class of a set in files, too", async () => {
  const sorted = [file("data_batch_1.bin", cifar(0, 0, 0, 1, 1, 1))];
  expect([...(await read(sorted, "train", 4)).set.labels]).toEqual([0, 0, 1, 1]);
});

test("STL-10's unlabeled pictures alone are for training; beside others they are named", async () => {
  const three = new Uint8Array(3 * 27_648);
  const alone = [file("unlabeled_X.bin", three), entry("class_names.txt", 1)];
  expect((await read(alone, "train")).set.labels).toEqual(Int32Array.of(-1, -1, -1));
  expect((await read(alone, "train", 2)).set.count).toBe(2);
  await expect(read(alone, "test")).rejects.toThrow("must hold the test files of STL-10");
  const beside = [...alone, file("train_X.bin", three.subarray(27_648)), entry("train_y.bin", 3, 10)];
  const { set, notes } = await read(beside, "train");
  expect([...set.labels]).toEqual([2, 9]);
  expect(notes).toEqual([
    "data/set: unlabeled_X.bin is left out; to pretrain on it, name a folder that holds it alone",
  ]);
});

test("an empty set is refused", async () => {
  const sizes = [0, 1, 1].flatMap((n) => [0, 0, 0, n]);
  const none = [
    entry("t10k-images-idx3-ubyte", 0, 0, 8, 3, ...sizes),
    entry("t10k-labels-idx1-ubyte", 0, 0, 8, 1, 0, 0, 0, 0),
  ];
  await expect(read(none, "test")).rejects.toThrow("data/set: must hold a picture to test; got none");
});

test("every format says its name and what it holds", () => {
  expect(new Set(FORMATS.map(({ name }) => name)).size).toBe(FORMATS.length);
  for (const { holds } of FORMATS) expect(holds).toMatch(/\w/);
});
