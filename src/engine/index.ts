// The public API of the engine, name by name; its ops are in ops/index.ts. Schedules that share a name with an op carry
// the word here.

export {
  type Captured,
  CompiledStep,
  type CompileOptions,
  capture,
  compile,
  type Outputs,
} from "./capture/compile.ts";
export type { MemoryPlan } from "./capture/memoryPlan.ts";
export type { TimedDispatch } from "./capture/timing.ts";
export type { Bound, Work, Workgroups } from "./gpu/command.ts";
export type { Counters } from "./gpu/counters.ts";
export { type Capabilities, Device, type DeviceOptions, flatGroups, type Precision } from "./gpu/device.ts";
export { DeviceLostError, GpuError, OutOfMemoryError } from "./gpu/failure.ts";
export { type Constants, type Kernel, kernel } from "./gpu/kernel.ts";
export { LimitError } from "./gpu/memory.ts";
export { f32Bits, words } from "./gpu/words.ts";
export { type GradOptions, grad } from "./graph/autograd.ts";
export { Guard, NonFiniteLossError } from "./graph/guard.ts";
export { LossScale } from "./graph/lossScale.ts";
export { type BackwardCall, type Call, defineOp, type OpRule, stopGradient } from "./graph/op.ts";
export {
  type NamedValues,
  type ParameterSpec,
  Parameters,
  type ParametersOptions,
  type Segment,
} from "./graph/parameters.ts";
export { recompute } from "./graph/recompute.ts";
export type { DTypes, Takes } from "./graph/takes.ts";
export { type DType, type Shape, Tensor, type Tensors, type Values } from "./graph/tensor.ts";
export { type AdamWOptions, adamw } from "./optim/adamw.ts";
export { type ClipOptions, type Clipped, clipGradients } from "./optim/clip.ts";
export { ema } from "./optim/ema.ts";
export { type LarsOptions, lars } from "./optim/lars.ts";
export type { Optimizer, Rates } from "./optim/optimizer.ts";
export { type SgdOptions, sgd } from "./optim/sgd.ts";
export { philox4x32, Random, STREAMS, type Stream } from "./random.ts";
export { MetricRing, type MetricRow } from "./step/metricRing.ts";
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
} from "./step/schedule.ts";
export { type StepValue, StepValues } from "./step/stepValues.ts";
