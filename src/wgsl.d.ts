/** A WGSL file imported as text. The bundler and the test runner supply it. */
declare module "*.wgsl" {
  const source: string;
  export default source;
}
