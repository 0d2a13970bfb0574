import { element } from "./element.ts";
import { PLACES, type Places } from "./places.ts";
import { titleOf } from "./words.ts";

/** What is told of a choice. */
export interface ChoiceListener {
  /** Other features are asked for: of other places, or by another projection. */
  onReading(): void;
  /** Another search of the same features is asked for. */
  onSearch(): void;
}

/** What a person chooses: which places are compared and by what, where they are looked for, how strong the colours are. */
export class Choices {
  readonly root: HTMLElement;
  readonly #places = element(
    "select",
    {},
    ...Object.entries(PLACES).map(([name, title]) => new Option(title, name)),
  );
  readonly #own = element("input", { type: "checkbox" });
  readonly #beside = element("select");
  readonly #besideLabel = element("label", {}, "Beside the encoder", this.#beside);
  readonly #alone = element("p", {
    className: "hint",
    textContent: "This encoder was trained without a projection to set beside it.",
    hidden: true,
  });

  /** `coloured` gets the strength of the colours as `--heat`. */
  constructor(coloured: HTMLElement, { onReading, onSearch }: ChoiceListener) {
    const heat = element("input", { type: "range", min: "0", max: "100", value: "70" });
    const weigh = () => coloured.style.setProperty("--heat", String(Number(heat.value) / 100));
    heat.addEventListener("input", weigh);
    weigh();
    this.#places.addEventListener("change", onReading);
    this.#beside.addEventListener("change", onReading);
    this.#own.addEventListener("change", onSearch);
    this.root = element(
      "section",
      { className: "choices", ariaLabel: "Choices" },
      element("label", {}, "Places to compare", this.#places),
      this.#besideLabel,
      this.#alone,
      element("label", { className: "check" }, this.#own, "Find places of this picture, too"),
      element("label", {}, "Strength of the colours", heat),
    );
  }

  get places(): Places {
    return this.#places.value as Places;
  }

  /** Whether places of the query's own picture are found, too. */
  get keepSelf(): boolean {
    return this.#own.checked;
  }

  /** The projection that was chosen, if it is among these, otherwise the first. */
  projectionOf(names: readonly string[]): string | undefined {
    return names.includes(this.#beside.value) ? this.#beside.value : names[0];
  }

  /** Shows that these places are being read. */
  choose(places: Places): void {
    this.#places.value = places;
  }

  /** Offers these projections, with this one chosen. */
  offer(names: readonly string[], chosen: string | undefined): void {
    this.#beside.replaceChildren(...names.map((name) => new Option(titleOf(name), name)));
    this.#beside.value = chosen ?? "";
    this.#besideLabel.hidden = names.length < 2;
    this.#alone.hidden = names.length > 0;
  }
}
