// The short tables of `bench -- gpu`, from the figures of its parts.
import { megabytes, ms, scientific, table } from "../measure/table.ts";
import type { OpCheck, OpFigures } from "../ops/opFigures.ts";
import type { StepComparison } from "../peers/compareSteps.ts";
import type { PrecisionFigures } from "../precisionFigures.ts";
import type { StepFigures } from "../stepFigures.ts";
import type { TorchFigures } from "../torch/torchFigures.ts";
import type { PartResult } from "./runParts.ts";

type ByStep = Record<string, StepFigures>;
type TorchByStep = Record<string, Partial<Record<string, TorchFigures>>>;
type ByConfig = Record<string, StepComparison>;

/** The figures of all parts of a kind that ended well, by step or configuration. */
const gathered = <T extends object>(results: readonly PartResult[], prefix: string): T =>
  Object.assign(
    {},
    ...results
      .filter(({ name, status }) => status === "ok" && name.startsWith(prefix))
      .map(({ figures }) => figures),
  ) as T;

/** A line for each part: how it ended, and what there is to say in a few words. */
export function partTable(results: readonly PartResult[]): string {
  const rows = results.map(({ name, status, seconds }) => [name, status, seconds.toFixed(0)]);
  const lines = table(["part", "", "s"], rows).split("\n");
  const words = ["", ...results.map((result) => result.error ?? inWords(result))];
  return lines.map((line, i) => `${line}  ${words[i]}`.trimEnd()).join("\n");
}

const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;

/** What a part found, if the table of the steps does not say it. */
function inWords({ name, figures }: PartResult): string {
  if (name.startsWith("check ops")) {
    const { checks } = figures as { checks: readonly OpCheck[] };
    const worst = Math.max(...checks.map(({ error }) => error));
    return `${checks.length} operations, largest error ${scientific(worst)}`;
  }
  if (name.startsWith("check step")) {
    const [comparison] = Object.values(figures as ByConfig);
    return `gradient error ${scientific(comparison!.accuracy.partwise!.gradientError)}`;
  }
  if (name.startsWith("ops")) {
    const { ops } = figures as { ops: readonly OpFigures[] };
    const most = (key: "gigaflopsPerSecond" | "gigabytesPerSecond") =>
      Math.max(...ops.map((row) => row[key])).toFixed(0);
    return `${ops.length} operations, up to ${most("gigaflopsPerSecond")} GFLOP/s and ${most("gigabytesPerSecond")} GB/s`;
  }
  if (name.startsWith("precision")) {
    const { f32, f16, lossDifference } = figures as PrecisionFigures;
    const rates = [f32, f16].map(({ imagesPerSecond }) => imagesPerSecond.toFixed(0));
    return `losses within ${percent(lossDifference)}, pictures/s ${rates.join(" in f32, ")} in f16; ${f16.how}`;
  }
  if (name.startsWith("torch")) {
    const found = Object.values(figures as TorchByStep).flatMap((byMode) => Object.values(byMode));
    return found.map((one) => (one && "skipped" in one ? one.skipped : "")).join("");
  }
  return "";
}

/**
 * A row for each step that was measured: Partwise's figures, then the others' times and their ratio to it. Nothing if no
 * step was measured.
 */
export function stepTable(results: readonly PartResult[]): string {
  const own = gathered<ByStep>(results, "step ");
  const eager = gathered<TorchByStep>(results, "torch eager ");
  const compiled = gathered<TorchByStep>(results, "torch compiled ");
  const peers = gathered<ByConfig>(results, "peers ");
  const rows = Object.keys({ ...own, ...eager, ...compiled }).map((step) => {
    const time = own[step]?.ms.median;
    const ratio = peers[step.replace("reference:", "")]?.ratio ?? {};
    return [
      step,
      ...ownColumns(own[step]),
      torchTime(eager[step]?.eager, time),
      torchTime(compiled[step]?.compiled, time),
      ...(["jax-js", "tfjs"] as const).map((peer) => (ratio[peer] ? `x${ratio[peer].toFixed(2)}` : "")),
    ];
  });
  const header = ["step", ...OWN_HEADER, "PyTorch f32 ms", "compiled bf16 ms", "jax-js", "tfjs"];
  return rows.length === 0 ? "" : table(header, rows);
}

const OWN_HEADER = ["ms", "images/s", "dispatches", "submits", "encode ms", "peak", "first call s"];

function ownColumns(found: StepFigures | undefined): string[] {
  if (!found) return OWN_HEADER.map(() => "");
  const { ms: time, imagesPerSecond, alone } = found;
  return [
    ms(time.median),
    imagesPerSecond.toFixed(0),
    String(alone.dispatches),
    String(alone.perStep.submits),
    ms(alone.encodeMs),
    megabytes(alone.peakBytes),
    (alone.firstCallMs / 1000).toFixed(2),
  ];
}

/** PyTorch's time of a step, and the ratio to ours where we have one. */
function torchTime(found: TorchFigures | undefined, own: number | undefined): string {
  if (!found || "skipped" in found) return "";
  const { median } = found.ms;
  return own === undefined ? ms(median) : `${ms(median)} (x${(median / own).toFixed(2)})`;
}
