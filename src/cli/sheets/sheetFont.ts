/**
 * Letters for sheets of pictures: 5 pixels wide, 7 high and two more where a letter goes below the line. A glyph is its rows
 * from the top, each a digit of base 32 whose five bits are the pixels.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  a: "00e1fhf",
  b: "ggmphhu",
  c: "00ehghe",
  d: "11djhhf",
  e: "00ehvge",
  f: "698s888",
  g: "00fhhhf1e",
  h: "ggmphhh",
  i: "40c444e",
  j: "2062222ic",
  k: "ggikoki",
  l: "c44444e",
  m: "00qllhh",
  n: "00mphhh",
  o: "00ehhhe",
  p: "00mphhugg",
  q: "00djhhf11",
  r: "00mpggg",
  s: "00fge1u",
  t: "88s8896",
  u: "00hhhjd",
  v: "00hhha4",
  w: "00hhlla",
  x: "00ha4ah",
  y: "00hhhhf1e",
  z: "00v248v",
  "0": "ehjlphe",
  "1": "4c4444e",
  "2": "eh1248v",
  "3": "v2421he",
  "4": "26aiv22",
  "5": "vgu11he",
  "6": "68guhhe",
  "7": "v124888",
  "8": "ehhehhe",
  "9": "ehhf12c",
  ".": "00000cc",
  ",": "00000cc48",
  ":": "0cc0cc0",
  "-": "000v000",
  "+": "044v440",
  "/": "01248g0",
};

/** Pixels from one letter to the next, and rows of a letter. */
export const LETTER = { width: 6, height: 9 } as const;

/** Calls `dot` for every pixel of a text, from its upper left; capitals are small, and what is no letter is a space. */
export function eachDot(text: string, dot: (x: number, y: number) => void): void {
  for (const [at, letter] of [...text.toLowerCase()].entries()) {
    for (const [y, digit] of [...(GLYPHS[letter] ?? "")].entries()) {
      const row = Number.parseInt(digit, 32);
      for (let x = 0; x < 5; x++) if (row & (16 >> x)) dot(at * LETTER.width + x, y);
    }
  }
}
