// The parts of the peers' packages that the bench uses, so that it type-checks where they are not installed.

declare module "@jax-js/jax" {
  /** Every operation takes its operands away; `ref` keeps one for another use. */
  class JaxArray {
    readonly ref: this;
    readonly shape: number[];
    add(other: JaxArray | number): JaxArray;
    sub(other: JaxArray | number): JaxArray;
    mul(other: JaxArray | number): JaxArray;
    div(other: JaxArray | number): JaxArray;
    reshape(shape: number[]): JaxArray;
    transpose(axes?: number[]): JaxArray;
    slice(...index: (number | [] | [number, number])[]): JaxArray;
    sum(axis?: number): JaxArray;
    data(): Promise<Float32Array>;
    dispose(): void;
  }

  export { JaxArray as Array };
  export type Tree = JaxArray | { [key: string]: Tree } | Tree[];

  export function init(device: "webgpu"): Promise<string[]>;
  export function defaultDevice(device: "webgpu"): void;
  export function getWebGPUDevice(): GPUDevice;
  export function blockUntilReady<T extends Tree>(tree: T): Promise<T>;
  export function jit<A extends Tree[], R extends Tree>(
    f: (...args: A) => R,
  ): ((...args: A) => R) & { dispose(): void };
  export function valueAndGrad<P extends Tree, A extends Tree[]>(
    f: (params: P, ...args: A) => JaxArray,
  ): (params: P, ...args: A) => [JaxArray, P];
  export function vjp<A extends Tree[]>(
    f: (...args: A) => JaxArray,
    args: A,
  ): [JaxArray, ((dy: JaxArray) => A) & { dispose(): void }];

  export namespace numpy {
    function array(values: Float32Array, options: { shape: number[] }): JaxArray;
    function zeros(shape: number[]): JaxArray;
    function matmul(a: JaxArray, b: JaxArray): JaxArray;
    function einsum(subscripts: string, a: JaxArray, b: JaxArray): JaxArray;
    function concatenate(arrays: JaxArray[], axis: number): JaxArray;
    function broadcastTo(x: JaxArray, shape: number[]): JaxArray;
    function mean(x: JaxArray, axis: number, options: { keepdims: boolean }): JaxArray;
    function square(x: JaxArray): JaxArray;
    function sqrt(x: JaxArray): JaxArray;
    function reciprocal(x: JaxArray): JaxArray;
  }
  export namespace nn {
    function gelu(x: JaxArray, options: { approximate: boolean }): JaxArray;
    function softmax(x: JaxArray, axis: number): JaxArray;
    function logSoftmax(x: JaxArray, axis: number): JaxArray;
    function standardize(x: JaxArray, axis: number, options: { epsilon: number }): JaxArray;
    function dotProductAttention(q: JaxArray, k: JaxArray, v: JaxArray): JaxArray;
  }
}

declare module "@tensorflow/tfjs" {
  export interface Tensor {
    readonly shape: number[];
    reshape(shape: number[]): Tensor;
    data(): Promise<Float32Array>;
    dispose(): void;
  }
  export interface Variable extends Tensor {
    readonly name: string;
    assign(value: Tensor): void;
  }
  type Operand = Tensor | number;

  export function setBackend(name: "webgpu"): Promise<boolean>;
  export function ready(): Promise<void>;
  export function backend(): { device: GPUDevice };
  export function tidy<T>(action: () => T): T;
  export function dispose(tensors: unknown): void;
  export function tensor(values: Float32Array, shape: number[]): Tensor;
  export function scalar(value: number): Tensor;
  export function variable(value: Tensor): Variable;
  export function zeros(shape: number[]): Tensor;
  export function variableGrads(
    f: () => Tensor,
    variables: Variable[],
  ): { value: Tensor; grads: Record<string, Tensor> };
  export function grads(f: (...xs: Tensor[]) => Tensor): (xs: Tensor[]) => Tensor[];

  export function add(a: Operand, b: Operand): Tensor;
  export function sub(a: Operand, b: Operand): Tensor;
  export function mul(a: Operand, b: Operand): Tensor;
  export function div(a: Operand, b: Operand): Tensor;
  export function neg(x: Tensor): Tensor;
  export function square(x: Tensor): Tensor;
  export function sqrt(x: Tensor): Tensor;
  export function rsqrt(x: Tensor): Tensor;
  export function tanh(x: Tensor): Tensor;
  export function sum(x: Tensor, axis?: number): Tensor;
  export function mean(x: Tensor, axis?: number, keepDims?: boolean): Tensor;
  export function softmax(x: Tensor): Tensor;
  export function logSoftmax(x: Tensor): Tensor;
  export function matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  export function transpose(x: Tensor, axes: number[]): Tensor;
  export function slice(x: Tensor, begin: number[], size: number[]): Tensor;
  export function concat(tensors: Tensor[], axis: number): Tensor;
  export function tile(x: Tensor, repeats: number[]): Tensor;
  export function split(x: Tensor, parts: number, axis: number): Tensor[];
}

declare module "@tensorflow/tfjs-backend-webgpu";
