// Patch search as a part of any page, published as `partwise/explorer`.
import {
  type Device,
  type ImageSet,
  middleOf,
  nearestPlace,
  type Place,
  type Point,
  type SavedEncoder,
  type Similar,
  similarTo,
} from "../index.ts";
import { Choices } from "./choices.ts";
import { element } from "./element.ts";
import { type PlaceMaps, placeMaps } from "./placeMaps.ts";
import { checkPlaces, type Places } from "./places.ts";
import { QueryPicture } from "./queryPicture.ts";
import { ReadingPanel } from "./readingPanel.ts";
import { STYLE } from "./style.ts";
import { placeText, similarityText, titleOf } from "./words.ts";

/** Places that are shown as crops. */
const CROPS = 6;

/** Where the first search is from. */
const MIDDLE: Point = { picture: 0, x: 1 / 2, y: 1 / 2 };

/** Ends the reading of a set that is no longer asked for. */
class Outdated extends Error {}

/** What is searched, and by what. */
export interface Searched {
  /** As `savedEncoder` gives it. It stays the caller's, who disposes of its parameters after the explorer. */
  encoder: SavedEncoder;
  /** Square ones of any size; the encoder sees them scaled to its own. */
  pictures: ImageSet;
  /** Which places are compared, until the person chooses others; those of before when absent, at first patches. */
  places?: Places;
}

export interface ExplorerOptions extends Searched {
  /** For a `GPUDevice` of the page's own: `await Device.open(gpuDevice)`. It stays the caller's. */
  device: Device;
  /** Told what goes wrong after a click; where it is absent the explorer shows the error's sentence itself. */
  onError?: (error: unknown) => void;
}

/** A mounted explorer. */
export interface Explorer {
  /** Searches these instead, from where the search was: from the place that is nearest, where the places are others. */
  show(searched: Searched): Promise<void>;
  /** Searches for a place, as a click does -> what each reading finds, by its name: `encoder`, and a projection's. */
  choose(place: Place): Promise<Readonly<Record<string, Similar>>>;
  /** Takes the explorer out of the page. */
  dispose(): void;
}

/**
 * Puts the explorer at the end of an element: a picture whose patches or windows are chosen by pointer or keys, and for the
 * encoder and one of its projections the most similar places of all pictures and a heat map over each. Features are read
 * again whenever the pictures, the encoder, its projection or the kind of places change, some pictures at a time, while a bar shows
 * how far it is; a choice is one product on the GPU for each reading. It styles nothing but itself and follows the `color-scheme` of its surroundings. Resolves when the first search is shown.
 */
export async function mountExplorer(parent: Element, options: ExplorerOptions): Promise<Explorer> {
  const explorer = new MountedExplorer(options);
  parent.append(explorer.host);
  try {
    await explorer.show(options);
  } catch (error) {
    explorer.dispose();
    throw error;
  }
  return explorer;
}

class MountedExplorer implements Explorer {
  readonly host = element("div");
  readonly #device: Device;
  readonly #onError: (error: unknown) => void;
  readonly #query = new QueryPicture((row, column) =>
    this.#try(this.choose({ picture: this.#point.picture, row, column })),
  );
  readonly #title = element("h2");
  readonly #choices = new Choices(this.host, {
    onReading: () => this.#try(this.show(this.#asked)),
    onSearch: () => this.#try(this.#again()),
  });
  readonly #panels = element("div", { className: "readings" });
  readonly #read = element("progress", { ariaLabel: "Pictures read", max: 1, hidden: true });
  readonly #said = element("p", { className: "said", role: "status" });
  readonly #trouble = element("p", { className: "trouble", role: "alert", hidden: true });
  #searched: Searched;
  /** What was asked to be shown last: it is `#searched` once it has been read. */
  #asked: Searched;
  #maps: PlaceMaps = {};
  /** Of `#maps`. */
  #places: Places = "patches";
  #shown: ReadonlyMap<string, ReadingPanel> = new Map();
  /** Where the place that was chosen has its middle. */
  #point: Point = MIDDLE;
  /** Counts what was begun: of two things under way the later one is shown. */
  #turn = 0;
  /** The same of sets alone: a search begun while a set is being read does not outdate it. */
  #shows = 0;
  /** How many readings and searches are under way. */
  #works = 0;
  #reading: Promise<unknown> = Promise.resolve();
  /** The last of `show`. */
  #latest: Promise<void> = Promise.resolve();
  #isDisposed = false;

  constructor({ device, onError, encoder, pictures }: ExplorerOptions) {
    this.#device = device;
    this.#searched = { encoder, pictures };
    this.#asked = this.#searched;
    this.#onError =
      onError ?? ((error) => this.#complain(error instanceof Error ? error.message : String(error)));
    const query = element(
      "section",
      { className: "query", ariaLabel: "Query" },
      this.#title,
      this.#query.root,
      element("p", {
        className: "hint",
        textContent: "Click a part here or in any picture, or move with the arrow keys and press Enter.",
      }),
      this.#read,
      this.#said,
      this.#trouble,
    );
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    const shadow = this.host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [style];
    shadow.append(element("div", { className: "explorer" }, query, this.#panels, this.#choices.root));
  }

  show(searched: Searched): Promise<void> {
    this.#latest = this.#show(searched);
    return this.#latest;
  }

  async #show({ encoder, pictures, places = this.#choices.places }: Searched): Promise<void> {
    checkPlaces(places);
    const names = Object.keys(encoder.projections);
    const projection = this.#choices.projectionOf(names);
    this.#turn++;
    const [own, before] = [++this.#shows, this.#said.textContent];
    this.#choices.places = places;
    this.#asked = { encoder, pictures };
    this.#said.textContent = `Reading ${places === "patches" ? "" : "the windows of "}${pictures.count} pictures`;
    this.#read.value = 0;
    this.#read.hidden = false;
    const onProgress = (done: number, count: number) => {
      if (own !== this.#shows) throw new Outdated();
      this.#read.value = done / count;
    };
    const options = { places, projection, onProgress };
    const reading = this.#busy(() =>
      this.#afterOthers(async () =>
        own === this.#shows ? placeMaps(this.#device, encoder, pictures, options) : null,
      ),
    );
    const maps = await reading.catch((error) => {
      if (error instanceof Outdated) return null;
      if (own === this.#shows) {
        this.#asked = this.#searched; // what is there stays
        this.#choices.places = this.#places;
        this.#said.textContent = before;
        this.#read.hidden = true;
      }
      throw error;
    });
    if (maps === null || own !== this.#shows) {
      return this.#isDisposed ? undefined : this.#latest; // what was asked since decides
    }
    this.#read.hidden = true;
    this.#searched = this.#asked;
    this.#maps = maps;
    this.#places = places;
    this.#choices.offer(names, projection);
    const grid = this.#grid;
    const choose = (place: Place) => this.#try(this.choose(place));
    this.#shown = new Map(
      Object.keys(maps).map((name) => [name, new ReadingPanel(name, pictures, grid, choose)]),
    );
    this.#panels.replaceChildren(...[...this.#shown.values()].map(({ root }) => root));
    if (this.#point.picture >= pictures.count) this.#point = MIDDLE;
    await this.#again();
  }

  async choose(place: Place): Promise<Record<string, Similar>> {
    if (Object.keys(this.#maps).length === 0) return {}; // the first set is still being read
    const turn = ++this.#turn;
    const { pictures } = this.#searched;
    const grid = this.#grid;
    const keepSelf = this.#choices.keepSelf || pictures.count === 1;
    const found = await this.#busy(() =>
      Promise.all(
        Object.entries(this.#maps).map(
          async ([name, maps]) =>
            [name, await similarTo(this.#device, maps, place, { k: CROPS, keepSelf })] as const,
        ),
      ),
    );
    const similar = Object.fromEntries(found);
    if (turn !== this.#turn) return similar;
    this.#point = middleOf(grid, place);
    this.#title.textContent = `Picture ${place.picture + 1}`;
    this.#query.show(pictures, grid, place);
    for (const [name, similar] of found) this.#shown.get(name)!.show(similar, place);
    this.#said.textContent = sentenceOf(found);
    return similar;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#turn++;
    this.#shows++;
    this.host.remove();
  }

  /** Searches from where the search was. */
  async #again(): Promise<void> {
    if (Object.keys(this.#maps).length > 0) await this.choose(nearestPlace(this.#grid, this.#point));
  }

  get #grid() {
    return Object.values(this.#maps)[0]!;
  }

  /** Reads when others have read: an encoder whose successor is shown is no longer in use. */
  #afterOthers<T>(read: () => Promise<T>): Promise<T> {
    const reading = this.#reading.then(read);
    this.#reading = Promise.allSettled([reading]);
    return reading;
  }

  /** Marks the page as waiting until this and all else that is under way has ended. */
  async #busy<T>(work: () => Promise<T>): Promise<T> {
    this.#works++;
    this.host.ariaBusy = "true";
    this.#complain("");
    try {
      return await work();
    } finally {
      if (--this.#works === 0) this.host.ariaBusy = "false";
    }
  }

  #try(work: Promise<unknown>): void {
    work.catch((error) => {
      if (!this.#isDisposed) this.#onError(error);
    });
  }

  /** Shows what went wrong, or takes it away. */
  #complain(sentence: string): void {
    this.#trouble.textContent = sentence;
    this.#trouble.hidden = sentence === "";
  }
}

/** The best place of each reading, as it is announced. */
function sentenceOf(found: readonly (readonly [name: string, similar: Similar])[]): string {
  const best = found.map(([name, { top }]) => {
    const [first] = top;
    return `${titleOf(name)}: ${first ? `${placeText(first)}, cosine ${similarityText(first.similarity)}` : "nothing"}.`;
  });
  return ["Most alike.", ...best].join(" ");
}
