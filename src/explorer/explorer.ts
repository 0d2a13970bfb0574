// Patch search as a part of any page, published as `partwise/explorer`.
import { type Device, middleOf, nearestPlace, type Place, type Point } from "../index.ts";
import { Choices } from "./choices.ts";
import { element } from "./element.ts";
import { checkPlaces } from "./places.ts";
import { QueryPicture } from "./queryPicture.ts";
import { ReadingPanel } from "./readingPanel.ts";
import { type Asked, type Found, type ReadSet, readSet, type Searched, searchSet } from "./searched.ts";
import { STYLE } from "./style.ts";
import { foundText } from "./words.ts";

/** Where the first search is from. */
const MIDDLE: Point = { picture: 0, x: 1 / 2, y: 1 / 2 };

export interface ExplorerOptions extends Searched {
  /** For a `GPUDevice` of the page's own: `await Device.open(gpuDevice)`. It stays the caller's. */
  device: Device;
  /** Told what goes wrong after a click; where it is absent the explorer shows the error's sentence itself. */
  onError?: (error: unknown) => void;
  /** Takes the explorer out of the page when it aborts, also before the first search is shown: see `mountExplorer`. */
  signal?: AbortSignal;
}

/** A mounted explorer. */
export interface Explorer {
  /**
   * Searches these instead, from where the search was: from the place that is nearest, where the places are others. Where it
   * fails, what was searched before stays. Of several sets asked for at once, here or by the person, the last is shown: the promises of
   * all of them settle as its does, and no encoder but its own is in use from then on. After `dispose` nothing is shown.
   */
  show(searched: Searched): Promise<void>;
  /** Searches for a place, as a click does -> what each reading finds, by its name: `encoder`, and a projection's. */
  choose(place: Place): Promise<Found>;
  /** Takes the explorer out of the page. */
  dispose(): void;
}

/**
 * Puts the explorer at the end of an element: a picture whose patches or windows are chosen by pointer or keys, and for the
 * encoder and one of its projections the most similar places of all pictures and a heat map over each. Features are read
 * again whenever the pictures, the encoder, its projection or the kind of places change, some pictures at a time, while a bar shows
 * how far it is; a choice is one product on the GPU for each reading.
 *
 * It styles nothing but itself and follows the `color-scheme` of its surroundings. Its colours may be set by custom properties
 * there: `--partwise-card` (behind everything), `--partwise-ink` and `--partwise-soft` (text), `--partwise-line` and
 * `--partwise-field` (borders of cards and of fields), `--partwise-accent` (focus) and `--partwise-bad` (what went wrong).
 *
 * Resolves when the first search is shown. Rejects where it cannot be, and with the reason of `signal` where that aborts first;
 * nothing is in the page then, and the encoder is no longer in use.
 */
export async function mountExplorer(parent: Element, options: ExplorerOptions): Promise<Explorer> {
  const { signal } = options;
  signal?.throwIfAborted();
  const explorer = new MountedExplorer(options);
  signal?.addEventListener("abort", () => explorer.dispose(), { once: true });
  parent.append(explorer.host);
  try {
    await explorer.show(options);
    signal?.throwIfAborted();
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
    onReading: () => this.#try(this.#read({ ...this.#asked, places: this.#choices.places })),
    onSearch: () => this.#try(this.#again()),
  });
  readonly #panels = element("div", { className: "readings" });
  readonly #progress = element("progress", { ariaLabel: "Pictures read", max: 1, hidden: true });
  readonly #said = element("p", { className: "said", role: "status" });
  readonly #trouble = element("p", { className: "trouble", role: "alert", hidden: true });
  /** What was asked to be shown last: it is `#shown` once it has been read. */
  #asked: Searched;
  #shown: ReadSet | null = null;
  #readings: ReadonlyMap<string, ReadingPanel> = new Map();
  /** Where the place that was chosen has its middle. */
  #point: Point = MIDDLE;
  /** What was found there. */
  #sentence = "";
  /** Counts searches that were begun: of two under way the later one is shown. */
  #turn = 0;
  /** How many readings and searches are under way. */
  #works = 0;
  /** Ends the reading of the set that was asked for last. */
  #reading = new AbortController();
  #others: Promise<unknown> = Promise.resolve();
  /** The last of `#read`. */
  #latest: Promise<void> = Promise.resolve();
  #isDisposed = false;

  constructor({ device, onError, encoder, pictures }: ExplorerOptions) {
    this.#device = device;
    this.#asked = { encoder, pictures };
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
      this.#progress,
      this.#said,
      this.#trouble,
    );
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    const shadow = this.host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [style];
    shadow.append(element("div", { className: "explorer" }, query, this.#panels, this.#choices.root));
  }

  async show({ encoder, pictures, places = this.#choices.places }: Searched): Promise<void> {
    checkPlaces(places);
    if (this.#isDisposed) return;
    let last = this.#read({ encoder, pictures, places });
    await last;
    while (last !== this.#latest) {
      last = this.#latest; // what was asked for since decides
      await last;
    }
  }

  /** Reads and shows a set, unless another one is asked for before it is read: the promise is kept then, too. */
  #read(searched: Required<Searched>): Promise<void> {
    const projection = this.#choices.projectionOf(Object.keys(searched.encoder.projections));
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#asked = searched;
    this.#latest = this.#replace({ ...searched, projection }, this.#reading.signal);
    return this.#latest;
  }

  async #replace(asked: Asked, signal: AbortSignal): Promise<void> {
    const { pictures, places } = asked;
    this.#choices.choose(places);
    this.#said.textContent = `Reading ${places === "patches" ? "" : "the windows of "}${pictures.count} pictures`;
    this.#progress.value = 0;
    this.#progress.hidden = false;
    try {
      const [read, place, found] = await this.#busy(() =>
        this.#afterOthers(() => this.#firstSearch(asked, signal)),
      );
      signal.throwIfAborted();
      this.#put(read);
      this.#tell(read, place, found);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    } finally {
      if (!signal.aborted) this.#settle();
    }
  }

  /** Reads a set and searches it from where the search was. */
  async #firstSearch(asked: Asked, signal: AbortSignal): Promise<[ReadSet, Place, Found]> {
    const onProgress = (done: number, count: number) => {
      this.#progress.value = done / count;
    };
    const read = await readSet(this.#device, asked, { onProgress, signal });
    const from = this.#point.picture < read.pictures.count ? this.#point : MIDDLE;
    const place = nearestPlace(read.grid, from);
    return [read, place, await searchSet(this.#device, read, place, this.#choices.keepSelf)];
  }

  /** Puts panels for a set in the place of those before. */
  #put(read: ReadSet): void {
    const choose = (place: Place) => this.#try(this.choose(place));
    const names = Object.keys(read.maps);
    const panels = new Map(names.map((name) => [name, new ReadingPanel(name, read, choose)]));
    this.#panels.replaceChildren(...[...panels.values()].map(({ root }) => root));
    this.#readings = panels;
    this.#shown = read;
    this.#turn++; // searches of the set before are of no use
  }

  /** Shows as chosen what is searched: after a failure the set of before, which stays. */
  #settle(): void {
    this.#progress.hidden = true;
    this.#said.textContent = this.#sentence;
    if (!this.#shown) return;
    const { encoder, pictures, places, projection } = this.#shown;
    this.#asked = { encoder, pictures };
    this.#choices.choose(places);
    this.#choices.offer(Object.keys(encoder.projections), projection);
  }

  async choose(place: Place): Promise<Found> {
    const shown = this.#shown;
    if (!shown) return {}; // the first set is still being read
    const turn = ++this.#turn;
    const found = await this.#busy(() => searchSet(this.#device, shown, place, this.#choices.keepSelf));
    if (turn === this.#turn) this.#tell(shown, place, found);
    return found;
  }

  /** Shows what a search has found. */
  #tell({ grid, pictures }: ReadSet, place: Place, found: Found): void {
    this.#point = middleOf(grid, place);
    this.#title.textContent = `Picture ${place.picture + 1}`;
    this.#query.show(pictures, grid, place);
    for (const [name, panel] of this.#readings) panel.show(found[name]!, place);
    this.#sentence = foundText(found);
    this.#said.textContent = this.#sentence;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#turn++;
    this.#reading.abort();
    this.host.remove();
  }

  /** Searches from where the search was. */
  async #again(): Promise<void> {
    if (this.#shown) await this.choose(nearestPlace(this.#shown.grid, this.#point));
  }

  /** Reads when others have read: an encoder whose successor is shown is no longer in use. */
  #afterOthers<T>(read: () => Promise<T>): Promise<T> {
    const reading = this.#others.then(read);
    this.#others = Promise.allSettled([reading]);
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
