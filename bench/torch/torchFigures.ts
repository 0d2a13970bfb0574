import type { Summary } from "../measure/samples.ts";

/** f32 without TF32, and torch.compile in bf16. */
export const MODES: readonly string[] = ["eager", "compiled"];

/** What bench/torch/steps.py prints. */
export type TorchFigures = {
  mode: string;
  /** PyTorch's version. */
  torch: string;
  device: "cuda" | "cpu";
  gpu?: string;
  threads?: number;
} & (
  | { /** Why there are no figures. */ skipped: string }
  | {
      /** Of one step. */
      ms: Summary;
      imagesPerSecond: number;
      /** Model and optimiser on the device, compiling, and two passes. */
      firstCallMs: number;
      /** GPU memory at its most. */
      peakBytes?: number;
      loss: number;
      /** Relative distance from Partwise's loss. */
      lossError: number;
      /** The worst distance of a gradient's norm from Partwise's, as a share of the whole gradient's norm. */
      gradientError: number;
    }
);
