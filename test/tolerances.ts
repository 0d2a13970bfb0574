/** Every tolerance in the project, with its reason. Relative ones are to the largest magnitude of the reference. */

/** f32 values against a float64 reference: a few dozen roundings of 6e-8, and WGSL's exp and division within 3 ulp. */
export const VALUE = 2e-5;

/** f32 gradients against central differences of the float64 reference (step 1e-5: about ten good digits). */
export const GRADIENT = 1e-4;
