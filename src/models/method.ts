import type { Device } from "../engine/gpu/device.ts";
import type { Guard } from "../engine/graph/guard.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Shape, Tensor } from "../engine/graph/tensor.ts";
import type { Augmentation } from "../pictures/augment.ts";
import type { Training } from "./block.ts";
import type { Recipes } from "./recipe.ts";
import type { VitConfig } from "./vit.ts";

/** Where a run stands: all that per-step data may depend on, so that a resumed step has the same. */
export interface Moment {
  seed: number;
  /** Updates made so far. */
  step: number;
  epoch: number;
  stepsPerEpoch: number;
  totalSteps: number;
}

/** Data that changes by step, a temperature or a mask: written into the step's buffer before each run. */
export interface Moving {
  dtype: "f32" | "u32";
  /** [] when absent. */
  shape?: Shape;
  /** A pure function of the moment. */
  at(moment: Moment): number | ArrayLike<number>;
}

/** Random crops of one size: `count` of every picture, view by view in one tensor [count B, size, size, 3]. */
export interface ViewGroup {
  size: number;
  count: number;
  /** Range of the crop's share of the area. */
  scale: readonly [number, number];
  filter?: "bicubic" | "bilinear" | "lanczos";
  /** What happens to the crops afterwards, in order, on levels; then they are standardised. */
  augment?: readonly Augmentation[];
  /** The number of an earlier group whose crops, flips and drawn numbers these share, at another size: a tokenizer's. */
  follows?: number;
}

/** What a network sees in a step. */
export interface Seeing<Name extends string = string> {
  /** By the names of `Method.networks`. */
  readonly networks: Readonly<Record<string, Parameters>>;
  /** One tensor for each of the method's view groups, standardised. */
  readonly views: readonly Tensor[];
  value(name: Name): Tensor;
  /** For a forward pass that draws numbers: passes of one step draw others. */
  training(pass: number): Training;
}

/** What a method finds while its step is recorded. */
export interface Step<Name extends string = string> extends Seeing<Name> {
  /** u32 [B]. */
  readonly labels: Tensor;
  /** Tells running statistics and centers whether they may move; `ema` and `batchNorm` take it. */
  readonly guard: Guard;
  /**
   * Records what comes between the gradients and the update, when the guard knows whether the step is good: a copy of the
   * parameters that the step began with.
   */
  beforeUpdate(action: () => void): void;
  /** Records what follows the update: a teacher's average. */
  afterUpdate(action: () => void): void;
}

/** What a step gives: the loss, and the scalars that the method named. */
export interface StepOutput {
  loss: Tensor;
  metrics?: Readonly<Record<string, Tensor>>;
}

/** What a head makes of the encoder's tokens [B, 1 + N, D], by the parameters of the encoder's network. */
export interface Projection {
  dim: number;
  /** Of a picture: [B, dim]. */
  of(params: Parameters, tokens: Tensor): Tensor;
  /** Of each patch, which a head takes as it takes the class token: [B, N, dim]. */
  ofPatches(params: Parameters, tokens: Tensor): Tensor;
}

/** A way to pretrain: its networks, what it sees, what moves, and its loss. One file each. */
export interface Method<Name extends string = string> {
  readonly name: string;
  /** What probes read: a network, and the configuration of the encoder in it. */
  readonly encoder: { network: string; config: VitConfig };
  /** The network that is a moving average of the encoder's, by the same names: probes may read it instead. */
  readonly average?: string;
  /** What probes may read behind the encoder, by name: the heads of its network that the loss is made of. */
  readonly projections?: Readonly<Record<string, Projection>>;
  /** How the names of that network's parameters begin which its loss alone reads: probes go without, and files of encoders. */
  readonly lossOnly?: readonly string[];
  /**
   * Every network by name, the trained one first. Streams of first values are found by parameter names, so a teacher made
   * of the same specs equals its student. Buffers are specs that are not trained.
   */
  networks(seed: number): Readonly<Record<string, readonly ParameterSpec[]>>;
  /** Names of networks that were trained elsewhere: the run is given all their values before its first step, and saves them. */
  readonly given?: readonly string[];
  readonly views: readonly ViewGroup[];
  /** How often an epoch, which is no longer for it, has a picture, each time with other views; 1 when absent. */
  readonly repeats?: number;
  /** What changes by step besides pictures, crops and rates. */
  readonly moving: Readonly<Record<Name, Moving>>;
  /**
   * The step of a run at which parameters whose spec is `late` begin to move: until then they have neither decay nor moments,
   * and their updates are counted from there, as where PyTorch's optimiser finds no gradient. 0 when absent.
   */
  readonly lateStart?: (totalSteps: number) => number;
  /** Scalars logged besides loss and gradient norm. */
  readonly metrics: readonly string[];
  /** Smallest batch that has a loss and statistics. */
  readonly leastBatch?: number;
  /** Whether the loss reads labels. */
  readonly needsLabels?: boolean;
  /**
   * Finds buffers of the trained network in the run's own pictures before its first step, by name: a tokenizer's codes. They
   * are saved with the run, so that one that goes on does not ask again.
   */
  prepare?(preview: Preview): Promise<ReadonlyMap<string, Float32Array>>;
  record(step: Step<Name>): StepOutput;
  /**
   * For a person to see: what the step makes of views in front, by words such as `masked`; standardised pictures
   * [their number B, H, W, 3], in the order of the views. Absent where networks are shown the views as they are.
   */
  sights?(step: Seeing<Name>): Readonly<Record<string, Tensor>>;
}

/** What a preparation looks at. */
export interface Preview {
  readonly device: Device;
  readonly seed: number;
  /** What `Step.views` will hold at a step, of this run or beyond its end; the tensors are the caller's to dispose of. */
  views(step: number): readonly Tensor[];
}

/** What a method is made for, besides its own settings. */
export interface Frame {
  /** The encoder by its name; a method may give it other positions or a layer scale. */
  encoder: VitConfig;
  batchSize: number;
  /** Classes of the pictures, 0 where they have no labels. */
  classes: number;
}

/** What a value under a former name may depend on. */
export interface FormerRun {
  /** How often the run sees its pictures in all; a fraction where it ends within an epoch. */
  epochs: number;
}

/** One setting of a method: its flag on the command line, its place in JSON, its default. */
export interface Setting<T> {
  /** As commander reads it: `--mask-ratio <x>`. */
  flag: string;
  help: string;
  value: T;
  /** Of a setting that came later than its method: the value that runs had before, and that their files do not say. */
  before?: T;
  /** Of a setting that has another name now: the one in files of before, and what their value of it, whatever it is, stands for. */
  former?: { key: string; value(written: unknown, run: FormerRun): T | undefined };
  /** Throws one sentence where the text is no value. */
  parse(text: string): T;
}

export type Settings<C> = { readonly [K in keyof C]: Setting<C[K]> };

/** A method as the programs know it: its settings, its recipes, and how it is made. One line of `methods.ts` each. */
export interface MethodModule<C extends object> {
  /** One line of help. */
  readonly about: string;
  /** What says most of a picture: the class token, or the mean of the patches where no loss reaches the class token. */
  readonly reading: "cls" | "mean";
  readonly settings: Settings<C>;
  readonly recipes: Recipes<C>;
  /**
   * Of a method that predicts the tokens of a tokenizer (tokens.ts): which of its settings counts them. A run may then be
   * given one, and finds its own codes where it is not.
   */
  readonly tokenizer?: string;
  /** Of a method that may learn from a teacher which was trained with labels: which of its settings is that one's encoder. */
  readonly teacher?: string;
  /** The settings as a run of this encoder keeps them: with numbers in the place of 0 that follow from its grid. */
  fitted?(encoder: VitConfig, config: C): C;
  /** Throws one sentence where the settings do not fit each other or the frame. */
  make(frame: Frame, config: C): Method;
}
