// What an embedded explorer does when much is asked of it at once, or what cannot be: run in the page of explorerEmbedded.ts.
import { type Explorer, type ExplorerOptions, mountExplorer, type Places } from "../../src/explorer/index.ts";
import { Device, type ImageSet, openSaved, type SavedEncoder, savedEncoder } from "../../src/index.ts";
import { bytesHeld, copiedOn } from "./ownDevice.ts";

/** Pictures of many colours, without the time that creatures take. */
function pictures(count: number, width: number, height = width, channels = 3): ImageSet {
  const pixels = Uint8Array.from(
    { length: count * width * height * channels },
    (_, i) => (i * 2654435761) >>> 24,
  );
  return { name: "own", count, width, height, pixels, labels: new Int32Array(count).fill(-1), classes: [] };
}

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing",
    (error) => (error instanceof Error ? error.message : String(error)),
  );

/** What an explorer shows. */
function lookAt(parent: Element) {
  const root = parent.lastElementChild!.shadowRoot!;
  const one = <E extends Element>(selector: string) => root.querySelector<E>(selector)!;
  const tiles = [
    ...root.querySelectorAll<HTMLCanvasElement>(".reading:first-child .pictures canvas:first-child"),
  ];
  return {
    sentence: one(".said").textContent!,
    title: one("h2").textContent!,
    selected: one('[aria-selected="true"]').ariaLabel,
    tiles: tiles.length,
    largest: Math.max(...tiles.map(({ width }) => width)),
    bar: one<HTMLElement>("progress").hidden,
    busy: parent.lastElementChild!.ariaBusy,
    trouble: one(".trouble").textContent!,
    projections: [...root.querySelectorAll("select")].at(-1)!,
  };
}

/** The errors of mounting what cannot be mounted, and what that leaves in the page. */
async function refusals(parent: Element, options: ExplorerOptions) {
  const mount = (change: Partial<ExplorerOptions>) =>
    messageOf(mountExplorer(parent, { ...options, ...change }));
  const ending = new AbortController();
  const refused = [
    await mount({ pictures: pictures(4, 64, 36) }),
    await mount({ pictures: pictures(0, 48) }),
    await mount({ pictures: pictures(4, 48, 48, 4) }),
    await mount({ places: "eighth" as Places }),
    await mount({ signal: AbortSignal.abort(new Error("before it began")) }),
  ];
  const ended = mount({ signal: ending.signal });
  setTimeout(() => ending.abort(new Error("while it read")));
  return [...refused, await ended];
}

/** An encoder with a projection that fails, beside the one that it has. */
const withBroken = (encoder: SavedEncoder): SavedEncoder => {
  const fail = () => {
    throw new Error("broken: its projection");
  };
  return {
    ...encoder,
    projections: { ...encoder.projections, broken: { dim: 8, of: fail, ofPatches: fail } },
  };
};

/** The person chooses a projection that cannot be read. */
async function chooseBroken(parent: Element, explorer: Explorer, encoder: SavedEncoder, errors: string[]) {
  await explorer.show({ encoder: withBroken(encoder), pictures: pictures(3, 48) });
  const { projections, sentence } = lookAt(parent);
  projections.value = "broken";
  projections.dispatchEvent(new Event("change"));
  while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const after = lookAt(parent);
  return {
    told: errors,
    chosen: after.projections.value,
    sentence: after.sentence === sentence,
    shown: after.trouble, // the page was told
  };
}

export async function behave(bytes: number[]) {
  const gpu = await (await navigator.gpu.requestAdapter())!.requestDevice();
  const device = await Device.open(gpu);
  const file = Uint8Array.from(bytes);
  const read = async (at: number, length: number) => file.slice(at, at + length);
  const encoder = await savedEncoder(device, await openSaved("tiny", { size: file.length, read }));
  const held = await bytesHeld(device);
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push((error as Error).message);
  const options = { device, encoder, pictures: pictures(4, 48), onError };
  const place = (picture: number) => ({ picture, row: 3, column: 3 });

  const parent = document.body.appendChild(document.createElement("div"));
  const refused = await refusals(parent, options);
  const leftByRefused = parent.childElementCount;

  const beside = document.body.appendChild(document.createElement("div"));
  const [explorer, other] = await Promise.all([
    mountExplorer(parent, options),
    mountExplorer(beside, options),
  ]);
  const two = await Promise.all(
    [explorer, other].map(async (one) =>
      Object.entries(await one.choose(place(1))).map(([name, { maps, top }]) => ({
        name,
        maps: [...maps],
        top,
      })),
    ),
  );
  await Promise.all([0, 1, 2, 3].map((picture) => explorer.choose(place(picture))));
  const { title, selected } = lookAt(parent);

  const both = [pictures(2, 48), pictures(3, 600)].map((set) => explorer.show({ encoder, pictures: set }));
  const settled = (await Promise.allSettled(both)).map(({ status }) => status);
  const { tiles, largest, sentence } = lookAt(parent);

  const bad = [pictures(5, 48), pictures(4, 64, 36)].map((set) => explorer.show({ encoder, pictures: set }));
  const settledBad = (await Promise.allSettled(bad)).map(({ status }) => status);
  const { sentence: after, tiles: tilesAfter, busy, bar } = lookAt(parent);

  const brokenProjection = await chooseBroken(parent, explorer, encoder, errors);

  const reading = other.show({ encoder, pictures: pictures(6, 48) });
  other.dispose();
  const disposed = await reading.then(() => "fulfilled");
  return {
    ...{ refused, leftByRefused, two, brokenProjection },
    quick: { title, selected },
    overlapping: { settled, tiles, largest },
    refusedShow: { settled: settledBad, sentence, after, tiles: tilesAfter, busy, bar },
    disposed: { settled: disposed, children: parent.childElementCount + beside.childElementCount },
    held: { before: held, after: await bytesHeld(device) },
    copied: await copiedOn(gpu),
  };
}
