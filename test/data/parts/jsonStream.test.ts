import { expect, test } from "vitest";
import { JsonArrays, jsonElements } from "../../../src/data/parts/jsonStream.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Pieces in one buffer that is used again for each. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(Math.min(size, bytes.length));
  for (let at = 0; at < bytes.length; at += size) {
    buffer.fill(0).set(bytes.subarray(at, at + size));
    yield buffer.subarray(0, Math.min(size, bytes.length - at));
  }
}

async function elements(text: string, size: number, keys = ["a", "b"]) {
  const found = [];
  for await (const element of jsonElements("x.json", inPieces(bytesOf(text), size), keys))
    found.push(element);
  return found;
}

const SAMPLE = `\ufeff{ "n": -1.5e3, "s": "]}\\"[{", "a": [ {"x": "é\\\\", "y": [1, {"z": "]"}]} ,
  {"b": {}}], "skipped": {"a": [{"no": 1}]}, "t": true, "empty": [], "b": [], "l":[[{}],[1,2]], "a": [{"last":1}]\n}\n`;

test("the arrays asked for come one object at a time, whatever the pieces", async () => {
  const whole = await elements(SAMPLE, 1e6);
  expect(whole.map(({ key, index, value }) => [key, index, value])).toEqual([
    ["a", 0, { x: "é\\", y: [1, { z: "]" }] }],
    ["a", 1, { b: {} }],
    ["a", 0, { last: 1 }],
  ]);
  const bytes = bytesOf(SAMPLE);
  for (const { at } of whole) expect(String.fromCharCode(bytes[at]!)).toBe("{");
  for (const size of [1, 2, 3, 7, 64]) expect(await elements(SAMPLE, size)).toEqual(whole);
});

test("what is no such file is named by its byte", async () => {
  const wrong: [string, string][] = [
    ["[]", 'x.json: byte 0 must be an object, which begins with {; got "["'],
    ["", "x.json: byte 0 must end with its last bracket; got the end of the file; is it cut?"],
    ['{"a": [{"x": 1}', "x.json: byte 15 must end with its last bracket"],
    ['{"a": [{"x": 1', "x.json: byte 14 must end with its last bracket"],
    ['{"n": 1', "x.json: byte 7 must end with its last bracket"],
    ['{"a": {}}', 'x.json: byte 6 must have a list as "a"; got "{"'],
    ['{"a": [1]}', 'x.json: byte 7 must have an object as a[0]; got "1"'],
    ['{"a": [{}, 2]}', 'x.json: byte 11 must have an object as a[1]; got "2"'],
    ['{"a": [{} {}]}', 'x.json: byte 10 must have , or ] after a[0]; got "{"'],
    ['{"a": [{},]}', 'x.json: byte 10 must have an object as a[1]; got "]"'],
    ['{"a": [{"x" 1}]}', 'x.json: byte 7 must have JSON as a[0]; got "{\\"x\\" 1}"'],
    ['{"a": [{"x": [}]]}', "x.json: byte 7 must have JSON as a[0]"],
    ["{a: 1}", "x.json: byte 1 must have a key"],
    ['{"a" []}', "x.json: byte 5 must have : after a key"],
    ['{"a": [] "b": []}', 'x.json: byte 9 must have , or } after "a"'],
    ["{} {}", "x.json: byte 3 must end with its last bracket"],
  ];
  for (const [text, message] of wrong) await expect(elements(text, 5), text).rejects.toThrow(message);
});

test("of a file of any length no more is held than the object under way", () => {
  const arrays = new JsonArrays("big.json", ["annotations"]);
  const annotation = (i: number) => `{"id": ${i}, "keypoints": [${new Array(51).fill(i).join(", ")}]}`;
  let [bytes, most, count, sum] = [0, 0, 0, 0];
  const push = (text: string): void => {
    const piece = bytesOf(text);
    bytes += piece.length;
    for (const { value } of arrays.push(piece)) {
      count++;
      sum += value.id as number;
    }
    most = Math.max(most, arrays.held);
  };
  push('{"images": [');
  for (let i = 0; i < 200; i++) push(`${i > 0 ? "," : ""}{"file_name": "${"x".repeat(20_000)}"}`);
  push('], "annotations": [');
  let rest = "";
  for (let block = 0; block < 200; block++) {
    const text = Array.from({ length: 100 }, (_, i) => annotation(block * 100 + i));
    const all = `${rest}${block > 0 ? "," : ""}${text.join(",")}`;
    const cutAt = all.length - 1 - ((block * 37) % 300); // pieces end anywhere in an object
    push(all.slice(0, cutAt));
    rest = all.slice(cutAt);
  }
  push(`${rest}]}`);
  arrays.end();
  expect([count, sum]).toEqual([20_000, (20_000 * 19_999) / 2]);
  expect(bytes).toBeGreaterThan(10_000_000);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(annotation(20_000).length);
});
