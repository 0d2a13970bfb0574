import type { Cell } from "../../study/plan.ts";

export interface AdapterReport {
  description: string;
  vendor: string;
  architecture: string;
  /** The native API below WebGPU. */
  backend: string;
  /** Whether it computes on the CPU. */
  software: boolean;
  /** 0 where kernels without subgroups ran. */
  subgroupSize: number;
}

/** What was measured: a method, or an encoder that nobody trained. */
export type Encoder = Cell["encoder"];
