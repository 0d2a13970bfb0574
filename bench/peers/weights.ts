// Both peers multiply by weights that lie [in, out]; timm stores [out, in].
import type { StepProblem } from "../stepProblem.ts";

/** A parameter as a peer holds it. */
export interface PeerWeight {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** x [rows, columns] -> [columns, rows]. */
export function transposed(x: Float32Array, rows: number, columns: number): Float32Array {
  const y = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j]!;
  return y;
}

/** Rows and columns of a linear layer's (or the patch convolution's) weight; null for everything else. */
function matrixOf(name: string, shape: readonly number[]): [number, number] | null {
  if (!name.endsWith(".weight") || shape.length < 2) return null;
  return [shape[0]!, shape.slice(1).reduce((product, n) => product * n, 1)];
}

/** The problem's parameters with every matrix [in, out]. */
export function peerWeights({ parameters }: StepProblem): PeerWeight[] {
  return parameters.map(({ name, shape, values }) => {
    const matrix = matrixOf(name, shape);
    if (!matrix) return { name, shape: [...shape], values };
    const [outputs, inputs] = matrix;
    return { name, shape: [inputs, outputs], values: transposed(values, outputs, inputs) };
  });
}

/**
 * Gradients in timm's layout from the first step's first moments (1 - β1) g, in the peers' layout: what the timed step
 * itself computed.
 */
export function gradientsFromMoments(
  { parameters }: StepProblem,
  moments: ReadonlyMap<string, Float32Array>,
  beta1: number,
): Map<string, Float32Array> {
  return new Map(
    parameters.map(({ name, shape }) => {
      const gradient = moments.get(name)!.map((value) => value / (1 - beta1));
      const matrix = matrixOf(name, shape);
      return [name, matrix ? transposed(gradient, matrix[1], matrix[0]) : gradient];
    }),
  );
}
