/** The bytes of a WASM file. The test runner supplies them. */
declare module "*.wasm?bytes" {
  const bytes: Uint8Array;
  export default bytes;
}
