/**
 * One WGSL entry point with its complete source: the shared functions it needs, constants, and its own file,
 * concatenated. Made once per variant at module level or through `variants`; the pipeline hangs off its identity.
 */
export interface Kernel {
  /** The entry point, `<op>_<pass>`. */
  readonly entry: string;
  /** What errors and profiles call it; the entry point unless one name serves many kernels. */
  readonly label: string;
  readonly source: string;
}

/** A WGSL constant: whole numbers become u32, booleans bool; strings stand as written. */
export type Constants = Record<string, number | boolean | string>;

const declare = ([name, value]: [string, number | boolean | string]): string =>
  `const ${name} = ${typeof value === "number" ? `${value}u` : value};\n`;

/**
 * Spells out `$repeat(g, COUNT) ... $end`: the text between once for every g below COUNT, a constant or a number, `$g` being
 * the number; one may stand in another. For variables that must not be an array: what a loop indexes, software adapters keep in memory.
 */
export function spelledOut(text: string, constants: Constants): string {
  const innermost = /\$repeat\((\w+), ?(\w+)\)((?:(?!\$repeat)[\s\S])*?)\$end/g;
  const once = text.replace(innermost, (_, name: string, count: string, body: string) =>
    Array.from({ length: Number(constants[count] ?? count) }, (_, i) =>
      body.replaceAll(`$${name}`, String(i)),
    ).join(""),
  );
  return once === text ? text : spelledOut(once, constants);
}

/**
 * The alternatives that a WGSL file offers, by name: each begins with a line `// part: name` and ends before the next. What
 * a kernel binds follows from the parts it is made of, so a part that is not taken costs no binding.
 */
/* @__NO_SIDE_EFFECTS__ */
export function partsOf(text: string): (name: string) => string {
  const parts = new Map(
    text
      .split(/^(?=\/\/ part: )/m)
      .filter((part) => part.startsWith("// part: "))
      .map((part) => [part.slice("// part: ".length, part.indexOf("\n")), part]),
  );
  return (name) => {
    const part = parts.get(name);
    if (part === undefined)
      throw new Error(`partsOf: must be one of ${[...parts.keys()].join(", ")}; got ${name}`);
    return part;
  };
}

/** What a text must enable, by the words in it. */
const DIRECTIVES: readonly [word: RegExp, directive: string][] = [
  [/subgroup(?!_matrix|Matrix)/, "enable subgroups;\n"],
  [/\bf16\b/, "enable f16;\n"],
  [/subgroup_matrix/, "enable chromium_experimental_subgroup_matrix;\n"],
  [/subgroup_matrix/, "diagnostic(off, chromium.subgroup_matrix_uniformity);\n"],
];

const interned = new Map<string, Kernel>();

/**
 * A kernel from its parts: constants go in front of the concatenated sources, where they size tiles and unroll loops.
 * Equal parts give the identical object, so a pipeline is compiled once however many places ask.
 */
/* @__NO_SIDE_EFFECTS__ */
export function kernel(
  entry: string,
  sources: readonly string[],
  constants: Constants = {},
  label = entry,
): Kernel {
  const text = sources.join("\n");
  const words = text.replace(/\/\/.*/g, ""); // comments do not count
  const directives = DIRECTIVES.flatMap(([word, directive]) => (word.test(words) ? [directive] : []));
  const declared = Object.entries(constants).map(declare);
  const source = [...directives, ...declared].join("") + spelledOut(text, constants);
  const key = `${entry}\n${source}`;
  let known = interned.get(key);
  if (!known) {
    known = { entry, label, source };
    interned.set(key, known);
  }
  return known;
}

/** Every kernel asked for so far in this process: the shader test compiles them all. */
export const knownKernels = (): Iterable<Kernel> => interned.values();
