import type { Place, Similar } from "../index.ts";
import { Crops } from "./crops.ts";
import { element } from "./element.ts";
import { HeatMaps } from "./heatMaps.ts";
import type { ReadSet } from "./searched.ts";
import { aboutReading, similarityText, titleOf } from "./words.ts";

/** Where one reading, the encoder or a projection, finds the query: the best crops, and a heat map over every picture. */
export class ReadingPanel {
  readonly root: HTMLElement;
  readonly #crops: Crops;
  readonly #maps: HeatMaps;
  readonly #least = element("span");
  readonly #most = element("span");
  readonly #scale: HTMLElement;

  constructor(reading: string, { pictures, tiles, grid }: ReadSet, choose: (place: Place) => void) {
    this.#crops = new Crops(pictures, grid, choose);
    this.#maps = new HeatMaps(tiles, grid, choose);
    const title = titleOf(reading);
    const ramp = element("span", { className: "ramp" });
    this.#scale = element("div", { className: "scale", role: "img" }, this.#least, ramp, this.#most);
    this.#crops.root.ariaLabel = `${title}: best matches`;
    this.#maps.root.ariaLabel = `${title}: heat maps`;
    this.root = element(
      "section",
      { className: "reading", ariaLabel: title },
      element("h2", { textContent: title }),
      element("p", { className: "hint", textContent: aboutReading(reading) }),
      this.#crops.root,
      this.#scale,
      this.#maps.root,
    );
  }

  show(similar: Similar, query: Place): void {
    const limits = limitsOf(similar.maps);
    const [least, most] = limits.map(similarityText) as [string, string];
    this.#least.textContent = least;
    this.#most.textContent = most;
    this.#scale.ariaLabel = `Colours from dark, cosine ${least}, to bright, cosine ${most}`;
    this.#crops.show(similar.top);
    this.#maps.show(similar, query, limits);
  }
}

/** The least and the largest value. */
function limitsOf(values: Float32Array): [number, number] {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}
