// A page of someone's own that has the explorer in it, on their own GPUDevice: bundled and run by explorer.test.ts.
import { mountExplorer, type Places } from "../../src/explorer/index.ts";
import { creatures, Device, openSaved, type Place, savedEncoder } from "../../src/index.ts";
import { behave } from "./explorerBehaviour.ts";
import { bytesHeld, copiedOn } from "./ownDevice.ts";

/** What the page is asked to do. */
export interface Embedding {
  bytes: number[];
  count: number;
  side: number;
  place: Place;
  places?: Places;
  /** Whether the explorer stays in the page. */
  stays?: boolean;
}

/** Searches for a place -> the similarities of every reading, and whether the page and its device are as before. */
async function embed({ bytes, count, side, place, places, stays = false }: Embedding) {
  const adapter = (await navigator.gpu.requestAdapter())!;
  const gpu = await adapter.requestDevice();
  const errors: string[] = [];
  gpu.onuncapturederror = ({ error }) => errors.push(error.message);
  const device = await Device.open(gpu);
  const file = Uint8Array.from(bytes);
  const source = {
    size: file.length,
    read: async (at: number, length: number) => file.slice(at, at + length),
  };
  const encoder = await savedEncoder(device, await openSaved("tiny", source));
  const before = await bytesHeld(device);
  const parent = document.body.appendChild(document.createElement("div"));
  const pictures = creatures({ count, size: side });
  const explorer = await mountExplorer(parent, { device, encoder, pictures, ...(places && { places }) });
  const found = await explorer.choose(place);
  const heat = [...parent.firstElementChild!.shadowRoot!.querySelectorAll<HTMLCanvasElement>(".heat")];
  const colours = heat.map((canvas) => {
    const { width, height } = canvas;
    return [...canvas.getContext("2d")!.getImageData(0, 0, width, height).data];
  });
  if (!stays) explorer.dispose();
  return {
    readings: Object.entries(found).map(([name, { maps, top }]) => ({ name, maps: [...maps], top })),
    colours,
    childrenLeft: parent.childElementCount,
    held: { before, after: await bytesHeld(device) },
    copied: await copiedOn(gpu),
    errors,
  };
}

declare global {
  interface Window {
    embed: typeof embed;
    behave: typeof behave;
  }
}
Object.assign(window, { embed, behave });
