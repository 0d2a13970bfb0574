/** The JSON object of a safetensors header, from bytes that anybody may have written. */
import { strictText } from "./text.ts";

/** The object, an entry, its shape. */
const MOST_DEPTH = 3;
/** Characters of a file's own text that a message repeats. */
const MOST_SHOWN = 60;

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACES: readonly (number | undefined)[] = [0x20, 0x09, 0x0a, 0x0d];

/** Text of a file for a message. */
export const cut = (text: string): string =>
  text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;

/** A value of a file for a message. */
export const shown = (value: unknown): string =>
  cut(JSON.stringify(typeof value === "string" ? cut(value) : value) ?? "nothing");

/** The object in a header's bytes, in linear time. Throws also on what JSON.parse lets pass and a header may not hold. */
export function parseObject(padded: Uint8Array): Record<string, unknown> {
  let end = padded.length;
  while (end > 0 && SPACES.includes(padded[end - 1])) end--;
  const bytes = padded.subarray(0, end);
  if (bytes[0] !== OPEN_OBJECT) {
    const start = shown(strictText(bytes.subarray(0, 1)) ?? "another byte");
    throw new Error(`readSafetensors: the header must be an object, which begins with {; got ${start}`);
  }
  checkKeys(bytes);
  const text = strictText(bytes);
  if (text === null) throw new Error("readSafetensors: the header must be UTF-8; got other bytes");
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`readSafetensors: the header must be JSON; got ${shown(text)}`, { cause });
  }
}

/**
 * Throws if an object names a key twice, of which JSON.parse keeps the last, or nests deeper than a header does, at which
 * JSON.parse takes a minute. What is no JSON passes, or is refused for either reason.
 */
function checkKeys(bytes: Uint8Array): void {
  const seen: Set<string>[] = [];
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (++depth > MOST_DEPTH) {
        throw new Error(`readSafetensors: the header must nest at most ${MOST_DEPTH} deep; it nests deeper`);
      }
      if (byte === OPEN_OBJECT) seen.push(new Set());
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
      if (byte === CLOSE_OBJECT) seen.pop();
    } else if (byte === QUOTE) {
      const end = endOfString(bytes, at);
      let next = end;
      while (SPACES.includes(bytes[next])) next++;
      if (bytes[next] === COLON) addKey(seen.at(-1), bytes.subarray(at, end));
      at = next - 1;
    }
  }
}

/** Where a string that opens at `start` ends, its closing quote included. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}

function addKey(keys: Set<string> | undefined, quoted: Uint8Array): void {
  const key = unquoted(strictText(quoted));
  if (keys === undefined || key === null) return; // no JSON: parsing it will tell
  if (keys.has(key)) throw new Error(`readSafetensors: every key must appear once; got ${cut(key)} twice`);
  keys.add(key);
}

function unquoted(text: string | null): string | null {
  try {
    return text === null ? null : (JSON.parse(text) as string);
  } catch {
    return null;
  }
}
