/** What a report says of the work beside its findings: pictures, runs, the adapter. */
import type { Device } from "../../engine/gpu/device.ts";
import type { MethodName } from "../../models/methods.ts";
import type { CellPictures, CellResult } from "../../study/cell.ts";
import type { Trainer } from "../../train/trainer.ts";
import { backendName, isSoftware } from "../dawn.ts";
import type { AdapterReport, PicturesReport, TrainingReport } from "./data.ts";

/** What was drawn. */
export function picturesOf(set: string, { train, targets }: CellPictures): PicturesReport {
  const counts = targets.map(({ name, probe, test }) => [
    name,
    { probe: probe.count, test: test.count, classes: test.classes },
  ]);
  return { set, size: train.width, train: train.count, targets: Object.fromEntries(counts) };
}

/** What each method was trained with. */
export async function trainingsOf(
  results: readonly CellResult[],
  trainers: ReadonlyMap<MethodName, Trainer>,
): Promise<TrainingReport[]> {
  const reports: TrainingReport[] = [];
  for (const [method, trainer] of trainers) {
    const { training } = results.find(({ encoder }) => encoder === method)!;
    const { memory, dispatches } = await trainer.prepare();
    reports.push({
      method,
      parameters: trainer.trained.count(),
      stepBytes: memory.bytes,
      dispatches,
      ...training!,
    });
  }
  return reports;
}

/** What computed. */
export function adapterOf({ info, capabilities }: Device): AdapterReport {
  return {
    description: info.description,
    vendor: info.vendor,
    architecture: info.architecture,
    backend: backendName(),
    software: isSoftware(info),
    subgroupSize: capabilities.subgroupSize,
  };
}
