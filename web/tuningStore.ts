// What `Tune` measured, kept by the browser: for each adapter the text that Node keeps in a file.
import type { Device } from "../src/engine/gpu/device.ts";
import { fingerprint, readTuning, writeTuning } from "../src/engine/gpu/tuning.ts";
import { tunedVersion } from "../src/engine/ops/tunedVersion.ts";

const STORE = "tuning";

/** Gives a device the choices stored for its adapter. What is of no use is a warning; the shipped choices serve. */
export async function loadTuning(device: Device): Promise<void> {
  const adapter = fingerprint(device.info);
  try {
    const text: unknown = await inStore("readonly", (store) => store.get(adapter));
    if (text === undefined) return;
    const found = readTuning(String(text), adapter, tunedVersion());
    if (typeof found !== "string") device.tuning.choices = found;
    else console.warn(`The stored tuning is ignored: ${found}; Tune writes it anew.`);
  } catch (error) {
    console.warn(`The stored tuning cannot be read: ${error}`);
  }
}

/** Stores a device's choices for its adapter. Throws where the browser keeps nothing for this page. */
export async function saveTuning({ info, tuning }: Device): Promise<void> {
  const adapter = fingerprint(info);
  const text = writeTuning(adapter, tunedVersion(), tuning.choices);
  await inStore("readwrite", (store) => store.put(text, adapter)).catch((cause) => {
    throw new Error(
      `Tuning must be stored by the browser, which refuses it here: ${cause}. Try a window that is not private.`,
      { cause },
    );
  });
}

/** One request to the store -> its result, once it is safely there. */
async function inStore<T>(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open("partwise", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const request = ask(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
  }
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
