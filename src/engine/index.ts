// The public API of the engine, name by name; its ops are in ops/index.ts. Schedules that share a name with an op carry
// the word here.

export { type GradOptions, grad } from "./autograd.ts";
export { checkpoint } from "./checkpoint.ts";
export {
  type Captured,
  CompiledStep,
  type CompileOptions,
  capture,
  compile,
  type Outputs,
} from "./compile.ts";
export type { Counters } from "./counters.ts";
export { type Capabilities, Device, DeviceLostError, type DeviceOptions, flatGroups } from "./device.ts";
export { type Constants, type Kernel, kernel } from "./kernel.ts";
export { LimitError } from "./memory.ts";
export { MetricRing, type MetricRow } from "./metricRing.ts";
export { type BackwardCall, type Call, defineOp, type OpRule, stopGradient } from "./op.ts";
export { type AdamWOptions, adamw } from "./optim/adamw.ts";
export { type ClipOptions, type Clipped, clipGradients } from "./optim/clip.ts";
export { ema } from "./optim/ema.ts";
export { type LarsOptions, lars } from "./optim/lars.ts";
export type { Optimizer, Rates } from "./optim/optimizer.ts";
export { sgd } from "./optim/sgd.ts";
export { type ParameterSpec, Parameters, type Segment } from "./parameters.ts";
export { f32Bits, uniform as uniformWords } from "./pipelines.ts";
export type { Plan } from "./plan.ts";
export type { ProfiledDispatch } from "./profile.ts";
export { philox4x32, Random, STREAMS, type Stream } from "./random.ts";
export type { Bound, Work, Workgroups } from "./recorder.ts";
export {
  constant as constantSchedule,
  cosine as cosineSchedule,
  cosineMomentum,
  linear as linearSchedule,
  linspaceCosine,
  perEpoch,
  piecewise,
  type Schedule,
  type Warmup,
  warmupCosine,
  warmupPolynomial,
} from "./schedule.ts";
export { type StepValue, StepValues } from "./stepValues.ts";
export { type DType, type Shape, Tensor, type Values } from "./tensor.ts";
