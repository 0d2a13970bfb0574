/** The bits of an f32, to stand among the words of a dispatch. */
export const f32Bits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;

/**
 * Small constants of one dispatch, which its kernel reads from a uniform buffer: sizes and strides, or `f32Bits` of a
 * float. Never a value that changes by step.
 */
export const words = (...values: number[]): Uint32Array => Uint32Array.from(values);
