/** Codecs in WASM that never carry anything over from a file that they failed on. */

/** The part of WebAssembly that every platform has and no library of types for all of them names. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  Instance: new (module: object, imports: object) => { exports: object };
};

/** What a codec gives back: the ImageData of the platform, pixels [height, width, 4]. */
export interface RgbaPicture {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** An instance of a codec that Emscripten compiled: the options it was made with, to which it adds its functions. */
interface Instance {
  decode(file: Uint8Array, ...settings: unknown[]): RgbaPicture | null;
}

/** Decodes a file, or gives undefined; `remarks` are the lines that the codec printed over it. */
export type WasmCodec = (file: Uint8Array) => { picture: RgbaPicture | undefined; remarks: string[] };

/**
 * Compiles a codec. After a failure the next file gets a fresh instance: what a failed one had allocated is never freed,
 * and a hundred failures would leave no memory for a good picture.
 * @param factory what Emscripten's module exports
 * @param wasm the contents of its .wasm file
 * @param settings what its `decode` takes besides the file
 */
export async function openWasmCodec(
  factory: unknown,
  wasm: Uint8Array,
  ...settings: unknown[]
): Promise<WasmCodec> {
  const module = await WebAssembly.compile(wasm);
  let remarks: string[] = [];
  const print = (line: string) => remarks.push(line);
  const instantiate = (): Instance => {
    const instance = {
      noInitialRun: true,
      print,
      printErr: print,
      instantiateWasm(imports: object, receive: (instance: object) => void): object {
        const made = new WebAssembly.Instance(module, imports);
        receive(made);
        return made.exports;
      },
    };
    (factory as (options: typeof instance) => Promise<unknown>)(instance); // ready at once, as nothing is awaited
    return instance as typeof instance & Instance;
  };
  let instance: Instance | undefined = instantiate();
  return (file) => {
    remarks = [];
    let picture: RgbaPicture | null = null;
    try {
      instance ??= instantiate();
      picture = instance.decode(file, ...settings);
    } catch (cause) {
      remarks.push(typeof cause === "number" ? "the codec gave up" : String(cause));
    }
    if (!picture) instance = undefined;
    return { picture: picture ?? undefined, remarks };
  };
}
