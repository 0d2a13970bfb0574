import elementwiseWgsl from "../../shaders/elementwise.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import type { Command } from "./command.ts";
import { type Device, flatGroups } from "./device.ts";
import { type Program, programOf } from "./elementwiseProgram.ts";
import type { Elementwise, Formula } from "./formula.ts";
import { kernel } from "./kernel.ts";
import { words } from "./words.ts";

const WORKGROUP = 64;

/** Formulas that a kernel is called by. */
const MOST_NAMES = 6;

/** Records an elementwise op as a dispatch of its own, with its meaning for `compile`. */
export function runElementwise(device: Device, elementwise: Elementwise): void {
  const program = programOf([elementwise], Number.POSITIVE_INFINITY, () => true);
  if (!program) {
    throw new Error(
      `${elementwise.formula.name}: output and inputs must not overlap in part; got views that do`,
    );
  }
  const { kernel: chosen, bindings, workgroups } = elementwiseDispatch(program);
  device.run(chosen, bindings, workgroups, { elementwise });
}

/**
 * The dispatch of a program. This is the one place where WGSL is put together from more than files: a straight line of
 * loads, calls and stores. What a size or a constant decides are uniform words, so that few kernels exist.
 */
export function elementwiseDispatch(program: Program): Extract<Command, { kind: "dispatch" }> {
  const { size, lanes, loads, steps, stores, bindings } = program;
  const constants = [size / lanes];
  const next = (...more: number[]): string => `${constants.push(...more) - more.length}u`;
  const written = new Set(stores.map(({ binding }) => binding));
  const scalars = new Set(loads.flatMap(({ binding, axes }) => (axes ? [binding] : [])));

  const declarations = bindings.map((_, i) => {
    const access = written.has(i) ? "read_write" : "read";
    return `@group(0) @binding(${i + 1}) var<storage, ${access}> b${i}: array<${scalars.has(i) ? "u32" : "U"}>;`;
  });
  const reads = loads.map(({ binding, axes }, i) => {
    if (!axes) return `let x${i} = b${binding}[i];`;
    const first = axes.length === 0 ? "0u" : next(...axes.flat());
    const at = `let at${i} = stretched(i * LANES, ${first}, ${axes.length}u);`;
    const values = Array.from({ length: lanes }, (_, k) => `b${binding}[at${i} + ${k}u]`);
    return `${at}\nlet x${i} = U(${axes.at(-1)?.[1] ? values.join(", ") : values[0]});`;
  });
  const calls = steps.map(({ formula, inputs }, i) => {
    const given = inputs.map((input, k) => {
      const type = formula.inputs[k]!.split(": ")[1];
      if ("word" in input) return `bitcast<${type}>(U(word(${next(input.word)})))`;
      const bits = "load" in input ? `x${input.load}` : `y${input.value}`;
      return `bitcast<${type}>(hidden(${bits}, ${next(0)}))`;
    });
    return `let y${i} = bitcast<U>(${nameOf(formula)}(${given.join(", ")}));`;
  });
  const writes = stores.map(({ step, binding }) => `b${binding}[i] = y${step};`);

  const names = steps.slice(0, MOST_NAMES).map(({ formula }) => formula.name);
  const label = ["elementwise", ...names, ...(steps.length > MOST_NAMES ? ["etc"] : [])].join("_");
  const formulas = new Set(steps.map(({ formula }) => formula));
  const shared = new Set([...formulas].flatMap((used) => used.shared));
  const source = [
    ...["Vf", "Ii", "Uu"].map(([name, of]) => `alias ${name} = ${lanes === 4 ? `vec4${of}` : `${of}32`};`),
    gridWgsl,
    ...shared,
    ...[...formulas].map(asFunction),
    ...declarations,
    elementwiseWgsl,
    `fn compute(i: u32) {\n${[...reads, ...calls, ...writes].join("\n")}\n}`,
  ];
  while (constants.length % 4) constants.push(0);
  return {
    kind: "dispatch",
    kernel: kernel("elementwise", source, { WORKGROUP, LANES: lanes, WORDS: constants.length / 4 }, label),
    bindings: [words(...constants), ...bindings],
    workgroups: flatGroups(Math.ceil(size / lanes / WORKGROUP)),
  };
}

const nameOf = ({ name }: Formula): string => `formula_${name}`;

const asFunction = (formula: Formula): string =>
  `fn ${nameOf(formula)}(${formula.inputs.join(", ")}) -> ${formula.output} { ${formula.body} }`;
