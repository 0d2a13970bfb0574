// Annotations of persons as COCO 2017 writes them (https://cocodataset.org/#format-data), of any number of pictures: the order
// of its lists and fields, its precisions, pictures without persons, persons without keypoints, crowds as run lengths.
import { below, between, randomFrom, type Uniform } from "../src/data/creatures/random.ts";

/** Pictures of COCO 2017's training set; as many make a file of its size. */
export const COCO_PICTURES = 118_287;

const [WIDTH, HEIGHT] = [640, 480];
const KEYPOINTS = [
  "nose",
  ...["eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"].flatMap((name) => [
    `left_${name}`,
    `right_${name}`,
  ]),
];
/** The most persons of a picture that has any, which is every second one. */
const MOST_PERSONS = 8;
/** One person in so many is a crowd. */
const CROWDS = 100;
const KEYPOINTS_SHARE = 0.57;
/** Corners of an outline, at least and below. */
const CORNERS = [20, 52] as const;
/** Least sides of a person, so that nose, wrist and ankle are far enough from each other to be cut out. */
const LEAST_SIDE = 130;

/** What a file holds, counted as it is written. */
export interface CocoCounts {
  persons: number;
  /** Persons whose keypoints can all be seen: each gives three crops, of nose, right wrist and left ankle. */
  seen: number;
}

export const pictureName = (picture: number): string => `${String(picture + 1).padStart(12, "0")}.jpg`;

/** The file in pieces of a picture or a person. The same number of pictures gives the same bytes. */
export function* cocoFile(pictures: number, counts: CocoCounts): Generator<string> {
  const random = randomFrom(pictures);
  const info = { description: "As COCO 2017", url: "", version: "1.0", year: 2017, contributor: "" };
  yield `{"info": ${JSON.stringify(info)}, "licenses": [{"url": "", "id": 1, "name": "none"}], "images": [`;
  for (let picture = 0; picture < pictures; picture++) {
    yield `${picture > 0 ? ", " : ""}${JSON.stringify(pictureRecord(picture))}`;
  }
  yield '], "annotations": [';
  for (let picture = 0; picture < pictures; picture += 2) {
    for (let i = below(random, MOST_PERSONS); i >= 0; i--) {
      const person = personRecord(random, picture, counts.persons);
      yield `${counts.persons > 0 ? ", " : ""}${JSON.stringify(person)}`;
      counts.persons++;
      if (person.num_keypoints > 0) counts.seen++;
    }
  }
  const category = {
    supercategory: "person",
    id: 1,
    name: "person",
    keypoints: KEYPOINTS,
    skeleton: [[16, 14]],
  };
  yield `], "categories": [${JSON.stringify(category)}]}`;
}

function pictureRecord(picture: number) {
  const file = pictureName(picture);
  return {
    license: 1,
    file_name: file,
    coco_url: `http://images.cocodataset.org/train2017/${file}`,
    height: HEIGHT,
    width: WIDTH,
    date_captured: "2013-11-14 17:02:52",
    flickr_url: `http://farm7.staticflickr.com/6116/${file.slice(2, 12)}_da26cf2c9e_z.jpg`,
    id: picture + 1,
  };
}

function personRecord(random: Uniform, picture: number, id: number) {
  const [width, height] = [between(random, LEAST_SIDE, WIDTH / 2), between(random, LEAST_SIDE, HEIGHT / 2)];
  const [left, top] = [between(random, 0, WIDTH - width), between(random, 0, HEIGHT - height)];
  const isCrowd = id % CROWDS === CROWDS - 1;
  const isSeen = !isCrowd && random() < KEYPOINTS_SHARE;
  const corners = CORNERS[0] + below(random, CORNERS[1] - CORNERS[0]);
  const outline = Array.from({ length: corners }, () => [
    hundredths(left + width * random()),
    hundredths(top + height * random()),
  ]);
  const runs = Array.from({ length: 4 * corners }, () => below(random, HEIGHT));
  return {
    segmentation: isCrowd ? { counts: runs, size: [HEIGHT, WIDTH] } : [outline.flat()],
    num_keypoints: isSeen ? KEYPOINTS.length : 0,
    area: Number((width * height * random()).toFixed(5)),
    iscrowd: Number(isCrowd),
    keypoints: KEYPOINTS.flatMap((name) => {
      if (!isSeen) return [0, 0, 0];
      const [across, down] = PLACES[name] ?? [random(), random()];
      return [Math.round(left + across * width), Math.round(top + down * height), 2];
    }),
    image_id: picture + 1,
    bbox: [left, top, width, height].map(hundredths),
    category_id: 1,
    id: id + 1,
  };
}

/** Where the points that are cut out lie in the box of their person, as shares of its sides. */
const PLACES: Readonly<Record<string, readonly [across: number, down: number]>> = {
  nose: [0.5, 0],
  right_wrist: [0, 0.5],
  left_ankle: [1, 1],
};

const hundredths = (value: number): number => Number(value.toFixed(2));
