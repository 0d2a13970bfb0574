import type { ImageSet } from "../src/data/images.ts";
import { Device } from "../src/engine/gpu/device.ts";
import { type Explorer, mountExplorer } from "../src/explorer/index.ts";
import type { MethodName } from "../src/models/methods.ts";
import type { SavedEncoder } from "../src/train/checkpoint.ts";
import { takeDropped } from "./dropping.ts";
import { fileOffer, type Offer, runHere, untrainedOffers, zooOffers } from "./encoders.ts";
import { creaturesToSearch, picturesToSearch } from "./pictures.ts";
import { Saving, stayWhile } from "./saving.ts";
import { trainHere } from "./training.ts";
import { explain, missing, OF_A_SEARCH, OF_TRAINING_BESIDE, type Trouble } from "./trouble.ts";
import { loadTuning } from "./tuningStore.ts";

/** The method that is chosen at first where there is no zoo: one with a projector. */
const FIRST: MethodName = "dino";

const element = <T extends Element = HTMLElement>(id: string): T => document.querySelector<T>(`#${id}`)!;

const encoders = element<HTMLSelectElement>("encoder");
const form = element<HTMLFormElement>("sources");
const steps = element<HTMLInputElement>("steps");
const train = element<HTMLButtonElement>("train");
const trained = element<HTMLProgressElement>("trained");
const trainedTo = element("trained-to");
const draw = element<HTMLButtonElement>("draw");
const file = element<HTMLInputElement>("file");
const files = element<HTMLInputElement>("files");
const saving = new Saving(element("saving"));

/** What can be chosen, by the value of its option. */
const offers = new Map<string, Offer>();
/** Encoders that were trained here, by method. */
const trainedHere = new Map<string, { offer: Offer; bytes: Uint8Array<ArrayBuffer> }>();

let pictures: ImageSet;
let drawn = 0;
let training: AbortController | null = null;
/** What the explorer shows; null before its first search. */
let shown: { explorer: Explorer; offer: Offer; encoder: SavedEncoder } | null = null;

/** Says what goes on where screen readers announce it: once for each thing, not with every step of it. */
function say(status: string): void {
  const region = element("status");
  if (region.textContent !== status) region.textContent = status;
}

/** Shows what went wrong, or takes it away. */
function complain(trouble: Trouble | null): void {
  element("trouble-title").textContent = trouble?.title ?? "";
  element("trouble-advice").textContent = trouble?.advice ?? "";
  element("trouble").hidden = trouble === null;
}

function fail(error: unknown, consequences = OF_A_SEARCH): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  say("Stopped");
  complain(explain(name, message, consequences));
}

let last: Promise<unknown> = Promise.resolve();
/** How many things wait for their turn or have it. */
let queued = 0;

/** Does one thing after the other, and says what goes wrong. */
function inTurn(status: string, work: () => Promise<unknown>): Promise<unknown> {
  queued++;
  last = last.then(async () => {
    complain(null);
    say(status);
    try {
      await work();
      say("Ready");
    } catch (error) {
      fail(error);
    }
    queued--;
    if (queued === 0) showChosen();
  });
  return last;
}

/** Searches these pictures by an encoder, which is loaded if it is not the one of before. */
async function search(offer: Offer, searched: ImageSet): Promise<void> {
  const encoder = offer === shown?.offer ? shown.encoder : await offer.load(device);
  const before = shown;
  try {
    const explorer = before?.explorer ?? (await mounted(encoder, searched));
    if (before) await explorer.show({ encoder, pictures: searched });
    shown = { explorer, offer, encoder };
  } catch (error) {
    if (encoder !== before?.encoder) encoder.params.dispose();
    throw error;
  }
  if (before && encoder !== before.encoder) before.encoder.params.dispose();
  pictures = searched;
  element("which").textContent = offer.about;
}

const mounted = (encoder: SavedEncoder, pictures: ImageSet): Promise<Explorer> =>
  mountExplorer(element("explorer"), { device, encoder, pictures, onError: (error) => fail(error) });

/** What an option of the list stands for. */
const offerOf = (key: string): Offer => trainedHere.get(key)?.offer ?? offers.get(key)!;

const chosenOffer = (): Offer => offerOf(encoders.value);

/** What is searched by; before the first search what is chosen. */
const offerInUse = (): Offer => shown?.offer ?? chosenOffer();

/** Shows as chosen what is in use: something else may have been chosen that cannot be, or that is in use no longer. */
function showChosen(): void {
  const inUse = [...encoders.options].find(({ value }) => offerOf(value) === shown?.offer);
  if (inUse) encoders.value = inUse.value;
  if (encoders.length > 0) showTraining();
}

/** Offers the training of what is chosen, and its file where it was trained. */
function showTraining(): void {
  element("training").hidden = chosenOffer().method === undefined && training === null;
  const made = trainedHere.get(encoders.value);
  if (made) saving.offer(made.bytes, `${encoders.value}.safetensors`);
  else saving.clear();
}

/** Adds encoders to the list under a heading. */
function list(heading: string, added: readonly Offer[]): void {
  if (added.length === 0) return;
  const group = document.createElement("optgroup");
  group.label = heading;
  for (const offer of added) {
    offers.set(offer.key, offer);
    group.append(new Option(offer.name, offer.key));
  }
  encoders.append(group);
}

/** Trains the chosen method, then searches by it, whatever else was chosen meanwhile. */
async function trainChosen(method: MethodName): Promise<void> {
  training = new AbortController();
  form.noValidate = true; // Stop asks nothing of the fields
  train.textContent = "Stop";
  trained.hidden = false;
  const count = steps.valueAsNumber;
  complain(null);
  try {
    const bytes = await trainHere(runHere(method, count), {
      signal: training.signal,
      onPreparing: say,
      onProgress({ step, loss, secondsLeft }) {
        say("Training");
        trained.value = (step + 1) / count;
        trainedTo.textContent = `Step ${step + 1} of ${count}, loss ${loss.toFixed(3)}, ${Math.ceil(secondsLeft)} s left`;
        trained.ariaValueText = trainedTo.textContent;
      },
    });
    if (bytes === null) {
      say("Ready");
      return;
    }
    const about = `${method}, trained in this tab for ${count} steps.`;
    const offer = { ...(await fileOffer(method, new Blob([bytes]))), method, about };
    trainedHere.set(method, { offer, bytes });
    await inTurn(`Loading ${method}`, () => search(offer, pictures));
  } catch (error) {
    fail(error, OF_TRAINING_BESIDE);
  } finally {
    training = null;
    form.noValidate = false;
    train.textContent = "Train here";
    trained.hidden = true;
    trained.value = 0;
    trained.ariaValueText = null;
    trainedTo.textContent = "";
    showTraining();
  }
}

const FILE = "Your file";

/** Opens a file as an encoder and searches by it. */
async function openEncoder(chosen: File): Promise<void> {
  const offer = await fileOffer(chosen.name, chosen);
  await search(offer, pictures);
  encoders.querySelector(`optgroup[label="${FILE}"]`)?.remove();
  list(FILE, [offer]);
}

const isEncoder = ({ name }: File): boolean => name.toLowerCase().endsWith(".safetensors");

/** Takes files of either kind. */
function take(given: readonly File[]): void {
  const [encoder] = given.filter(isEncoder);
  const images = given.filter((one) => !isEncoder(one));
  if (encoder) inTurn(`Opening ${encoder.name}`, () => openEncoder(encoder));
  if (images.length > 0) {
    inTurn("Reading your pictures", async () => search(offerInUse(), await picturesToSearch(images)));
  }
}

encoders.addEventListener("change", () => {
  showTraining();
  const offer = chosenOffer();
  inTurn(`Loading ${offer.name}`, () => search(offer, pictures));
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { method } = chosenOffer();
  if (training) training.abort();
  else if (method) trainChosen(method);
});

draw.addEventListener("click", () => {
  inTurn("Drawing creatures", () => search(offerInUse(), creaturesToSearch(++drawn)));
});

for (const input of [file, files]) {
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = ""; // the same file may be chosen again
  });
}

takeDropped((dropped) => {
  if (encoders.length > 0) take([...dropped]); // there is a device, and something to choose
});

stayWhile(() => training !== null || [...trainedHere.values()].some(({ bytes }) => !saving.isSaved(bytes)));

let device: Device;

/** Opens the GPU and searches the first pictures. */
async function begin(): Promise<void> {
  device = await Device.open(navigator.gpu);
  await loadTuning(device);
  const zoo = await zooOffers();
  list("Trained here", untrainedOffers());
  encoders.value = FIRST;
  pictures = creaturesToSearch(drawn);
  list("The zoo", zoo);
  for (const fieldset of form.querySelectorAll("fieldset")) fieldset.disabled = false;
  if (zoo.length > 0) encoders.value = zoo[0]!.key;
  showTraining();
  await search(chosenOffer(), pictures);
}

const trouble = await missing();
if (trouble) {
  complain(trouble);
  say("Cannot run here");
} else await inTurn("Opening the GPU", begin);
