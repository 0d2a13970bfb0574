// Time and memory of finding the parts in a file of COCO's size, beside JSON.parse of all of it: each in a process of its own, on
// a large file and on a small one, whose memory is that of the program. All must find what was written.
//   npm run bench -- coco [--pictures 118287] [--json] [--save]
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { listFolder } from "../src/cli/system/listing.ts";
import { findParts } from "../src/data/parts/findParts.ts";
import { COCO_PICTURES, type CocoCounts, cocoFile, pictureName } from "./cocoFile.ts";
import { alone } from "./measure/alone.ts";
import { adapterInfo } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults } from "./measure/results.ts";
import { megabytes, table } from "./measure/table.ts";

const FILE = "annotations/person_keypoints_train2017.json";
/** How often the large file has the pictures of the small one: 240 MB and 1 MB. */
const LARGER = 240;
/** Bytes that are written at once. */
const PIECE = 2 ** 20;

interface Found {
  seconds: number;
  crops: number;
  /** Most bytes of the process. */
  processBytes: number;
}

interface Figure extends Found, CocoCounts {
  kind: Kind;
  pictures: number;
  fileBytes: number;
}

/** Ways to count the crops of a folder. */
const KINDS = {
  async findParts(folder: string, pictures: number) {
    const { files } = await listFolder(folder);
    const named = Array.from({ length: pictures }, (_, i) => ({
      path: `train2017/${pictureName(i)}`,
      read: async () => new Uint8Array(), // none is decoded
    }));
    const found = await findParts([...files, ...named], { split: "train", path: folder });
    return found.pictures.reduce((sum, { squares }) => sum + squares.length, 0);
  },
  async "JSON.parse"(folder: string) {
    const { annotations } = JSON.parse(readFileSync(join(folder, FILE), "utf8")) as {
      annotations: { num_keypoints: number }[];
    };
    return 3 * annotations.filter((person) => person.num_keypoints > 0).length;
  },
} satisfies Record<string, (folder: string, pictures: number) => Promise<number>>;
type Kind = keyof typeof KINDS;

await program("coco", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        pictures: { type: "string" },
        alone: { type: "string" },
        folder: { type: "string" },
      },
    }),
  );
  const most = wholeNumber("pictures", given.pictures, COCO_PICTURES);
  if (given.alone !== undefined && given.folder !== undefined) {
    print(JSON.stringify(await measure(given.alone as Kind, given.folder, most)));
    return;
  }
  const where = circumstances(await adapterInfo());
  print(`Node ${where.node}, commit ${where.commit}`);
  const figures: Figure[] = [];
  for (const pictures of [Math.ceil(most / LARGER), most]) figures.push(...(await figuresOf(pictures)));
  const rows = figures.map(({ kind, pictures, persons, fileBytes, seconds, processBytes }) => [
    kind,
    megabytes(fileBytes),
    String(pictures),
    String(persons),
    seconds.toFixed(2),
    megabytes(processBytes),
  ]);
  print(table(["", "file", "pictures", "persons", "s", "process peak"], rows));
  if (given.save) say(`saved ${saveResults("coco", where, { figures }, given.name)}`);
  if (given.json) print(JSON.stringify(figures));
});

/** Writes a file, and measures all kinds on it. */
async function figuresOf(pictures: number): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "partwise-coco-"));
  try {
    say(`${pictures} pictures: writing`);
    const { fileBytes, ...counts } = write(join(folder, FILE), pictures);
    const figures: Figure[] = [];
    for (const kind of Object.keys(KINDS) as Kind[]) {
      say(`${pictures} pictures: ${kind}`);
      const asked = ["--alone", kind, "--folder", folder, "--pictures", String(pictures)];
      const found = await alone<Found>(asked);
      if (found.crops !== 3 * counts.seen) {
        throw new Error(`coco: ${kind} must find ${3 * counts.seen} crops; found ${found.crops}`);
      }
      figures.push({ kind, pictures, fileBytes, ...counts, ...found });
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes a file of so many pictures in pieces. */
function write(path: string, pictures: number): CocoCounts & { fileBytes: number } {
  const counts = { persons: 0, seen: 0 };
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, "w");
  let [fileBytes, text] = [0, ""];
  const flush = () => {
    fileBytes += writeSync(file, text);
    text = "";
  };
  for (const piece of cocoFile(pictures, counts)) {
    text += piece;
    if (text.length >= PIECE) flush();
  }
  flush();
  closeSync(file);
  return { ...counts, fileBytes };
}

/** The child's side. */
async function measure(kind: Kind, folder: string, pictures: number): Promise<Found> {
  const start = performance.now();
  const crops = await KINDS[kind](folder, pictures);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, crops, processBytes: 1024 * process.resourceUsage().maxRSS };
}
