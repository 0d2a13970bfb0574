import { rateText } from "../src/profile/byKernel.ts";
import { LossCurve } from "./curve.ts";
import { takeDropped } from "./dropping.ts";
import type { FromWorker, Settings, Share, ToWorker } from "./messages.ts";
import { MethodForm } from "./methodForm.ts";
import { ProfileView } from "./profileView.ts";
import { Saving, stayWhile } from "./saving.ts";
import { Signs } from "./signs.ts";
import { STATES, type State } from "./states.ts";
import { Strip } from "./strip.ts";
import { explain, missing, type Trouble } from "./trouble.ts";

const element = <T extends Element = HTMLElement>(id: string): T => document.querySelector<T>(`#${id}`)!;

const form = element<HTMLFormElement>("settings");
const fields = element<HTMLFieldSetElement>("fields");
const files = element<HTMLInputElement>("files");
const act = element<HTMLButtonElement>("act");
const reset = element<HTMLButtonElement>("reset");
const builtIn = element<HTMLButtonElement>("built-in");
const curve = new LossCurve(element<SVGSVGElement>("curve"));
const strip = new Strip(element("strip"));
const signs = new Signs(element("signs"));
const methodForm = new MethodForm({
  method: element("method"),
  about: element("about"),
  settings: element("own"),
  learningRate: form.elements.namedItem("learningRate") as HTMLInputElement,
});

const saving = new Saving(element("saving"));
const profileButton = element<HTMLButtonElement>("profile");
const tuneButton = element<HTMLButtonElement>("tune");
const profileView = new ProfileView(element("profiled"));

let worker: Worker | null = null;
let state: State = "idle";
/** What the run has trained. */
let trained: Uint8Array | null = null;

function enter(next: State, status: string = STATES[next].status): void {
  state = next;
  document.body.dataset.state = next;
  act.textContent = STATES[next].act;
  withhold(act, !STATES[next].acts);
  withhold(profileButton, next !== "idle");
  withhold(tuneButton, next !== "idle");
  withhold(reset, next === "idle");
  if (next !== "idle" && fields.contains(document.activeElement)) act.focus(); // Enter in a field begins a run, too
  fields.disabled = next !== "idle";
  say(status);
}

/** Offers a button or not. It keeps the focus either way, which a disabled one would lose to the top of the page. */
function withhold(button: HTMLButtonElement, isWithheld: boolean): void {
  button.ariaDisabled = String(isWithheld);
}

/** Says what goes on where screen readers announce it, and beside it how far it is. */
function say(status: string, share?: Share): void {
  const region = element("status");
  if (region.textContent !== status) region.textContent = status;
  element("share").textContent = share ? `${share.done} of ${share.of}` : "";
}

/** Shows what went wrong, or takes it away. */
function complain(trouble: Trouble | null): void {
  element("trouble-title").textContent = trouble?.title ?? "";
  element("trouble-advice").textContent = trouble?.advice ?? "";
  element("trouble").hidden = trouble === null;
}

/** Shows the outcome of tuning, or takes it away. */
function tell(summary: string): void {
  element("tuned").textContent = summary;
  element("tuned").hidden = summary === "";
}

/** Shows what is wrong with a run that goes on, or takes it away. */
function warn(sentence: string): void {
  element("warning").textContent = sentence;
  element("warning").hidden = sentence === "";
}

const send = (message: ToWorker): void => worker?.postMessage(message);

/** The form's values; the browser has checked their ranges. */
function settings(): Settings {
  const entries = new FormData(form);
  const number = (name: string): number => Number(entries.get(name));
  return {
    method: methodForm.method,
    config: methodForm.config,
    model: String(entries.get("model")),
    batchSize: number("batchSize"),
    steps: number("steps"),
    seed: number("seed"),
    learningRate: number("learningRate") || undefined, // the recipe's where it is empty
    pictures: number("pictures"),
  };
}

/** Sends the form to a new worker. */
function begin(kind: "start" | "profile" | "tune", next: State): void {
  const chosen = settings(); // before `enter` disables the fields, whose values a form then leaves out
  complain(null);
  tell("");
  enter(next);
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => receive(data);
  worker.onerror = ({ message }) => {
    enter("failed");
    complain(explain("Error", message));
  };
  send({ kind, settings: chosen, files: [...(files.files ?? [])] });
}

/** Takes away what a run has shown. */
function clear(): void {
  for (const id of ["step", "loss", "speed", "left"]) element(id).textContent = "–";
  for (const id of ["total", "shown-at"]) element(id).textContent = "";
  strip.show([]);
  signs.clear();
  saving.clear();
  trained = null;
  warn("");
}

function start(): void {
  const { steps } = settings();
  curve.reset(steps);
  element("total").textContent = `of ${steps}`;
  begin("start", "preparing");
}

function stopWorker(): void {
  worker?.terminate();
  worker = null;
}

function receive(message: FromWorker): void {
  switch (message.kind) {
    case "preparing":
      say(message.what, message.share);
      break;
    case "adapter":
      element("adapter").textContent = message.name;
      break;
    case "progress": {
      const { step, loss, imagesPerSecond, secondsLeft, metrics } = message.row;
      element("step").textContent = String(step + 1);
      element("loss").textContent = loss.toFixed(4);
      element("speed").textContent = imagesPerSecond > 0 ? rateText(imagesPerSecond) : "–";
      element("left").textContent = imagesPerSecond > 0 ? duration(secondsLeft) : "–";
      curve.add(step, loss);
      signs.show(metrics);
      break;
    }
    case "warning":
      warn(message.sentence);
      break;
    case "sights":
      if (state === "preparing") enter("running");
      strip.show(message.rows);
      element("shown-at").textContent = message.step === 0 ? "untrained" : `after ${message.step} steps`;
      break;
    case "profiled":
      stopWorker();
      profileView.show(message.profile);
      enter("idle", "Profiled one step");
      break;
    case "tuned":
      stopWorker();
      tell(message.summary);
      enter("idle", "Tuned");
      break;
    case "encoder":
      trained = message.bytes;
      saving.offer(message.bytes, `${methodForm.method}.safetensors`);
      break;
    case "finished":
      enter("finished");
      break;
    case "failed":
      enter("failed");
      complain(explain(message.name, methodForm.explain(message.message)));
      break;
  }
}

/** Seconds as 12 s, 3 min 05 s or 2 h 10 min. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (state === "idle") start();
  else if (state === "running") {
    send({ kind: "pause" });
    enter("paused");
  } else if (state === "paused") {
    send({ kind: "resume" });
    enter("running");
  }
});

profileButton.addEventListener("click", () => {
  if (state === "idle" && form.reportValidity()) begin("profile", "profiling");
});

tuneButton.addEventListener("click", () => {
  if (state === "idle" && form.reportValidity()) begin("tune", "tuning");
});

reset.addEventListener("click", () => {
  if (reset.ariaDisabled === "true") return;
  stopWorker();
  tell("");
  profileView.clear();
  clear();
  complain(null);
  enter("idle");
  curve.reset(settings().steps); // of fields that are enabled again: the others are left out of a form's values
});

files.addEventListener("change", () => {
  const hasOwn = Boolean(files.files?.length);
  (form.elements.namedItem("pictures") as HTMLInputElement).disabled = hasOwn;
  builtIn.hidden = !hasOwn;
});

builtIn.addEventListener("click", () => {
  files.value = "";
  files.dispatchEvent(new Event("change"));
  files.focus();
});

takeDropped((dropped) => {
  if (state !== "idle") return;
  files.files = dropped;
  files.dispatchEvent(new Event("change"));
});

stayWhile(() => STATES[state].goesOn || (trained !== null && !saving.isSaved(trained)));

curve.reset(settings().steps);
enter("idle");
const trouble = await missing();
if (trouble) {
  complain(trouble);
  enter("failed", "Cannot run here");
  withhold(reset, true);
}
