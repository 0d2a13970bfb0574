import type { Setting } from "../src/models/method.ts";
import { METHODS, type MethodName } from "../src/models/methods.ts";
import { moduleOf } from "../src/train/run.ts";
import { inWords } from "./words.ts";

/** Pictures of the page are small. */
const RECIPE = "small";

/** Where the parts of the choice stand. */
export interface MethodFields {
  method: HTMLSelectElement;
  /** The chosen method in a line. */
  about: HTMLElement;
  /** The chosen method's own settings. */
  settings: HTMLElement;
  learningRate: HTMLInputElement;
}

/** The choice of a method and of its own settings, all read from its module; what is left empty is the recipe's. */
export class MethodForm {
  readonly #fields: MethodFields;
  #inputs = new Map<string, { input: HTMLInputElement; setting: Setting<unknown> }>();

  constructor(fields: MethodFields) {
    this.#fields = fields;
    fields.method.replaceChildren(...Object.keys(METHODS).map((name) => new Option(name)));
    fields.method.value = "mae" satisfies MethodName;
    fields.method.addEventListener("change", () => this.#show());
    // A browser can point at a wrong setting only where it is unfolded; the event does not bubble.
    const unfold = (): void => fields.settings.closest("details")?.setAttribute("open", "");
    fields.settings.addEventListener("invalid", unfold, true);
    this.#show();
  }

  get method(): MethodName {
    return this.#fields.method.value as MethodName;
  }

  /** The settings that were chosen, by their names. */
  get config(): Record<string, unknown> {
    const chosen = [...this.#inputs].flatMap(([key, { input, setting }]): [string, unknown][] => {
      if (input.type === "checkbox") return [[key, input.checked]];
      return input.value.trim() === "" ? [] : [[key, setting.parse(input.value)]];
    });
    return Object.fromEntries(chosen);
  }

  /** A sentence about settings with the names that they have here instead of their flags. */
  explain(sentence: string): string {
    return [...this.#inputs.values()].reduce(
      (text, { setting }) =>
        text.replaceAll(new RegExp(`--${nameOf(setting)}(?![\\w-])`, "g"), labelOf(setting)),
      sentence,
    );
  }

  #show(): void {
    const { about, recipes, settings } = moduleOf(this.method);
    const { config, lr } = recipes[RECIPE];
    this.#fields.about.textContent = about;
    this.#fields.learningRate.placeholder = String(lr.base);
    this.#inputs = new Map();
    const parts = Object.entries(settings as Record<string, Setting<unknown>>).map(([key, setting]) => {
      const input = inputOf(key, (config as Record<string, unknown>)[key] ?? setting.value);
      input.addEventListener("input", () => input.setCustomValidity(this.#fault(input, setting)));
      this.#inputs.set(key, { input, setting });
      return partOf(input, setting);
    });
    this.#fields.settings.replaceChildren(...parts);
  }

  /** Why a text is no value, or nothing. */
  #fault({ type, value }: HTMLInputElement, setting: Setting<unknown>): string {
    if (type === "checkbox" || value.trim() === "") return "";
    try {
      setting.parse(value);
      return "";
    } catch (error) {
      return this.explain((error as Error).message);
    }
  }
}

/** `mask-ratio` of `--mask-ratio <x>`. */
const nameOf = ({ flag }: Setting<unknown>): string => /^--(\S+)/.exec(flag)![1]!;
const labelOf = (setting: Setting<unknown>): string => inWords(nameOf(setting));

/** An input that shows what the recipe has. */
function inputOf(key: string, value: unknown): HTMLInputElement {
  const input = document.createElement("input");
  input.id = `setting-${key}`;
  if (typeof value === "boolean") {
    input.type = "checkbox";
    input.checked = value;
  } else {
    input.type = "text";
    input.placeholder = String(value);
    input.autocomplete = "off";
  }
  return input;
}

/** An input with its name and its help. */
function partOf(input: HTMLInputElement, setting: Setting<unknown>): HTMLElement {
  const label = document.createElement("label");
  label.htmlFor = input.id;
  label.textContent = labelOf(setting);
  const help = document.createElement("small");
  help.className = "help";
  help.id = `${input.id}-help`;
  help.textContent = setting.help;
  input.setAttribute("aria-describedby", help.id);
  const part = document.createElement("div");
  part.className = "setting";
  part.append(label, input, help);
  return part;
}
