import { expect, test } from "vitest";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../../src/data/safetensors.ts";
import {
  type ByteSource,
  blobSource,
  openSafetensors,
  safetensorsPieces,
} from "../../src/data/safetensorsFile.ts";

const tensors = new Map<string, StoredTensor>([
  ["bytes", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
  ["weights", { dtype: "F32", shape: [2, 2], data: Float32Array.of(0.5, -1, 2, 4) }],
  ["counts", { dtype: "I64", shape: [1], data: BigInt64Array.of(-7n) }],
]);
const whole = writeSafetensors(tensors, { format: "pt" });

/** The file behind a counter of what was read. */
function source(bytes: Uint8Array): ByteSource & { reads: [offset: number, length: number][] } {
  const reads: [number, number][] = [];
  return {
    size: bytes.length,
    reads,
    async read(offset, length) {
      reads.push([offset, length]);
      if (offset + length > bytes.length) throw new Error("read beyond the end");
      return bytes.slice(offset, offset + length);
    },
  };
}

test("tensors are read one by one, and nothing else", async () => {
  const from = source(whole);
  const { entries, metadata, tensor } = await openSafetensors(from);
  expect(metadata).toEqual({ format: "pt" });
  expect([...entries.keys()]).toEqual(["bytes", "weights", "counts"]);
  const before = from.reads.length;
  expect(await tensor("weights")).toEqual(tensors.get("weights"));
  expect(from.reads.slice(before).map(([, length]) => length)).toEqual([16]);
  for (const [name, expected] of tensors) expect(await tensor(name)).toEqual(expected);
  await expect(tensor("other")).rejects.toThrow("the file must hold other; got bytes,weights,counts");
});

test("pieces make the file that is written whole", async () => {
  const pieces: Uint8Array[] = [];
  const asked: string[] = [];
  const give = async (name: string) => {
    asked.push(name);
    return tensors.get(name)!;
  };
  for await (const piece of safetensorsPieces(tensors, give, { format: "pt" })) pieces.push(piece);
  expect(Buffer.concat(pieces)).toEqual(Buffer.from(whole));
  expect(asked).toEqual(["counts", "weights", "bytes"]); // by falling width, so that each is aligned
  expect(readSafetensors(Buffer.concat(pieces)).tensors).toEqual(tensors);
});

test("a tensor that is not the one announced is refused", async () => {
  const announced = new Map([["a", { dtype: "F32", shape: [2] } as const]]);
  const pieces = safetensorsPieces(announced, async () => tensors.get("weights")!);
  await pieces.next();
  await expect(pieces.next()).rejects.toThrow("safetensorsPieces: a must be F32 [2]; got F32 [2,2]");
});

test("damage is found before any tensor is read", async () => {
  await expect(openSafetensors(source(whole.subarray(0, whole.length - 1)))).rejects.toThrow(
    "data_offsets within",
  );
  await expect(openSafetensors(source(whole.subarray(0, 5)))).rejects.toThrow(
    "8 bytes of header length; got 5",
  );
});

test("a file that was chosen in a browser is read like any other", async () => {
  const { tensor } = await openSafetensors(blobSource(new Blob([whole])));
  for (const [name, expected] of tensors) expect(await tensor(name)).toEqual(expected);
});
