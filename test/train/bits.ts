import type { SavedState } from "./savedFile.ts";

/** Names of the tensors that do not have the same bits in both, in no time: matchers look at large arrays value by value. */
export function unequal(a: Pick<SavedState, "tensors">, b: Pick<SavedState, "tensors">): string[] {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    Buffer.from(buffer, byteOffset, byteLength);
  return [...new Set([...a.tensors.keys(), ...b.tensors.keys()])].filter((name) => {
    const [one, other] = [a.tensors.get(name), b.tensors.get(name)];
    if (!one || !other) return true;
    return `${one.shape}` !== `${other.shape}` || !bytes(one.values).equals(bytes(other.values));
  });
}
