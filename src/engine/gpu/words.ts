const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** The bits of an f32, to stand among the words of a dispatch. */
export function f32Bits(value: number): number {
  floats[0] = value;
  return bits[0]!;
}

/**
 * Small constants of one dispatch, which its kernel reads from a uniform buffer: sizes and strides, or `f32Bits` of a
 * float. Never a value that changes by step.
 */
export const words = (...values: number[]): Uint32Array => Uint32Array.from(values);
