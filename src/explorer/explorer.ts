// Patch search as a part of any page, published as `partwise/explorer`.
import {
  type Device,
  type ImageSet,
  type Place,
  type SavedEncoder,
  type Similar,
  similarTo,
} from "../index.ts";
import { element } from "./element.ts";
import { type PatchMaps, patchMaps } from "./patchMaps.ts";
import { QueryPicture } from "./queryPicture.ts";
import { ReadingPanel } from "./readingPanel.ts";
import { STYLE } from "./style.ts";
import { placeText, similarityText, titleOf } from "./words.ts";

/** Places that are shown as crops. */
const CROPS = 6;

/** What is searched, and by what. */
export interface Searched {
  /** As `savedEncoder` gives it. It stays the caller's, who disposes of its parameters after the explorer. */
  encoder: SavedEncoder;
  /** Square ones of any size; the encoder sees them scaled to its own. */
  pictures: ImageSet;
}

export interface ExplorerOptions extends Searched {
  /** For a `GPUDevice` of the page's own: `await Device.open(gpuDevice)`. It stays the caller's. */
  device: Device;
  /** Told what goes wrong after a click; where it is absent the explorer shows the error's sentence itself. */
  onError?: (error: unknown) => void;
}

/** A mounted explorer. */
export interface Explorer {
  /** Searches these instead. The place that was chosen stays where the new pictures have it. */
  show(searched: Searched): Promise<void>;
  /** Searches for a place, as a click does -> what each reading finds, by its name: `encoder`, and a projection's. */
  choose(place: Place): Promise<Readonly<Record<string, Similar>>>;
  /** Takes the explorer out of the page. */
  dispose(): void;
}

/**
 * Puts the explorer at the end of an element: a picture whose patches are chosen by pointer or keys, and for the encoder and
 * one of its projections the most similar places of all pictures and a heat map over each. Features are read once for each
 * set; a choice is one product on the GPU. It styles nothing but itself and follows the `color-scheme` of its surroundings.
 * Resolves when the first search is shown.
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
    this.#try(this.choose({ ...this.#place, row, column })),
  );
  readonly #title = element("h3");
  readonly #beside = element("select");
  readonly #besideLabel = element("label", {}, "Beside the encoder", this.#beside);
  readonly #alone = element("p", {
    className: "hint",
    textContent: "This encoder was trained without a projection to set beside it.",
    hidden: true,
  });
  readonly #own = element("input", { type: "checkbox" });
  readonly #panels = element("div", { className: "readings" });
  readonly #said = element("p", { className: "said", role: "status" });
  readonly #trouble = element("p", { className: "trouble", role: "alert", hidden: true });
  #searched: Searched;
  /** What was asked to be shown last: it is `#searched` once it has been read. */
  #asked: Searched;
  #maps: PatchMaps = {};
  #shown: ReadonlyMap<string, ReadingPanel> = new Map();
  #place: Place;
  /** Counts what was begun: of two things under way the later one is shown. */
  #turn = 0;
  /** The same of sets alone: a search begun while a set is being read does not outdate it. */
  #shows = 0;
  #reading: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor({ device, onError, encoder, pictures }: ExplorerOptions) {
    this.#device = device;
    this.#searched = { encoder, pictures };
    this.#asked = this.#searched;
    this.#place = middleOf(encoder);
    this.#onError =
      onError ?? ((error) => this.#complain(error instanceof Error ? error.message : String(error)));
    const heat = element("input", { type: "range", min: "0", max: "100", value: "70" });
    const weigh = () => this.host.style.setProperty("--heat", String(Number(heat.value) / 100));
    heat.addEventListener("input", weigh);
    weigh();
    this.#beside.addEventListener("change", () => this.#try(this.show(this.#asked)));
    this.#own.addEventListener("change", () => this.#try(this.choose(this.#place)));
    const query = element(
      "section",
      { className: "query", ariaLabel: "Query" },
      this.#title,
      this.#query.root,
      element("p", {
        className: "hint",
        textContent: "Click a patch here or in any picture, or move with the arrow keys and press Enter.",
      }),
      this.#said,
      this.#trouble,
    );
    const choices = element(
      "section",
      { className: "choices", ariaLabel: "Choices" },
      element("label", {}, "Strength of the colours", heat),
      element("label", { className: "check" }, this.#own, "Find places of this picture, too"),
      this.#besideLabel,
      this.#alone,
    );
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    const shadow = this.host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [style];
    shadow.append(element("div", { className: "explorer" }, query, this.#panels, choices));
  }

  async show(searched: Searched): Promise<void> {
    const { encoder, pictures } = searched;
    const names = Object.keys(encoder.projections);
    const projection = names.includes(this.#beside.value) ? this.#beside.value : names[0];
    const [own, turn, before] = [++this.#shows, ++this.#turn, this.#said.textContent];
    this.#asked = searched;
    this.#said.textContent = `Reading ${pictures.count} pictures`;
    const reading = this.#busy(turn, () =>
      this.#afterOthers(async () =>
        own === this.#shows ? patchMaps(this.#device, encoder, pictures, projection) : null,
      ),
    );
    const maps = await reading.catch((error) => {
      if (own === this.#shows) {
        this.#asked = this.#searched; // what is there stays
        this.#said.textContent = before;
      }
      throw error;
    });
    if (maps === null || own !== this.#shows) return;
    this.#searched = searched;
    this.#maps = maps;
    this.#beside.replaceChildren(...names.map((name) => new Option(titleOf(name), name)));
    this.#beside.value = projection ?? "";
    this.#besideLabel.hidden = names.length < 2;
    this.#alone.hidden = names.length > 0;
    const grid = this.#grid;
    const choose = (place: Place) => this.#try(this.choose(place));
    this.#shown = new Map(
      Object.keys(maps).map((name) => [name, new ReadingPanel(name, pictures, grid, choose)]),
    );
    this.#panels.replaceChildren(...[...this.#shown.values()].map(({ root }) => root));
    const { picture, row, column } = this.#place;
    const isThere = picture < pictures.count && row < grid.rows && column < grid.columns;
    await this.choose(isThere ? this.#place : middleOf(encoder));
  }

  async choose(place: Place): Promise<Record<string, Similar>> {
    if (Object.keys(this.#maps).length === 0) return {}; // the first set is still being read
    const turn = ++this.#turn;
    const { pictures } = this.#searched;
    const keepSelf = this.#own.checked || pictures.count === 1;
    const found = await this.#busy(turn, () =>
      Promise.all(
        Object.entries(this.#maps).map(
          async ([name, maps]) =>
            [name, await similarTo(this.#device, maps, place, { k: CROPS, keepSelf })] as const,
        ),
      ),
    );
    const similar = Object.fromEntries(found);
    if (turn !== this.#turn) return similar;
    this.#place = place;
    this.#title.textContent = `Picture ${place.picture + 1}`;
    this.#query.show(pictures, this.#grid, place);
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

  get #grid() {
    return Object.values(this.#maps)[0]!;
  }

  /** Reads when others have read: an encoder whose successor is shown is no longer in use. */
  #afterOthers<T>(read: () => Promise<T>): Promise<T> {
    const reading = this.#reading.then(read);
    this.#reading = Promise.allSettled([reading]);
    return reading;
  }

  /** Marks the page as waiting meanwhile, unless something later has begun. */
  async #busy<T>(turn: number, work: () => Promise<T>): Promise<T> {
    this.host.ariaBusy = "true";
    this.#complain("");
    try {
      return await work();
    } finally {
      if (turn === this.#turn) this.host.ariaBusy = "false";
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

/** The place in the middle of the first picture. */
function middleOf({ config }: SavedEncoder): Place {
  const middle = Math.floor(config.imageSize / config.patchSize / 2);
  return { picture: 0, row: middle, column: middle };
}

/** The best place of each reading, as it is announced. */
function sentenceOf(found: readonly (readonly [name: string, similar: Similar])[]): string {
  const best = found.map(([name, { top }]) => {
    const [first] = top;
    return `${titleOf(name)}: ${first ? `${placeText(first)}, cosine ${similarityText(first.similarity)}` : "nothing"}.`;
  });
  return ["Most alike.", ...best].join(" ");
}
