/** The part of the platform's TextDecoder that is used (Node and every browser have it). */
declare const TextDecoder: new (
  label?: string,
  options?: { fatal: boolean },
) => { decode(bytes: Uint8Array): string };

/** UTF-8 bytes as text; what is no UTF-8 becomes U+FFFD. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** UTF-8 bytes as text, null where they are something else. */
export function strictText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
