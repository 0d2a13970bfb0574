import { readFileSync } from "node:fs";
import { readSafetensors, type Safetensors, toFloat32 } from "../../src/data/safetensors.ts";

const folder = new URL("fixtures/", import.meta.url);

/** One file of numbers made by make_fixtures.py. */
export class Fixture {
  readonly name: string;
  readonly tensors: Safetensors["tensors"];
  readonly metadata: Safetensors["metadata"];

  constructor(name: string, { tensors, metadata }: Safetensors) {
    this.name = name;
    this.tensors = tensors;
    this.metadata = metadata;
  }

  /** Values of a tensor as f32, row-major. Throws if the file has none of this name. */
  values(name: string): Float32Array {
    return toFloat32(this.tensor(name));
  }

  /** Shape of a tensor. Throws if the file has none of this name. */
  shape(name: string): readonly number[] {
    return this.tensor(name).shape;
  }

  /** Values of the tensors `prefix`.name by name; the names may hold dots themselves. */
  under(prefix: string): Map<string, Float32Array> {
    const names = [...this.tensors.keys()].filter((name) => name.startsWith(`${prefix}.`));
    return new Map(names.map((name) => [name.slice(prefix.length + 1), this.values(name)]));
  }

  /** A metadata entry that holds JSON, such as "settings", "parameters" or "float32_grad_error". */
  json<T>(key: string): T {
    const text = this.metadata[key];
    if (text === undefined) throw new Error(`Fixture ${this.name}: metadata must have ${key}; got none`);
    return JSON.parse(text) as T;
  }

  private tensor(name: string) {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`Fixture ${this.name}: the file must hold ${name}; got no such tensor`);
    return tensor;
  }
}

/** Reads fixtures/<name>.safetensors: vit, mae, optim, sincos or ops. */
export function loadFixture(name: string): Fixture {
  return new Fixture(name, readSafetensors(readFileSync(new URL(`${name}.safetensors`, folder))));
}

/** One RandomResizedCrop: picture, settings and uniforms (used in order), and the crop that must come out. */
export interface CropCase {
  imageWidth: number;
  imageHeight: number;
  scale: [number, number];
  ratio: [number, number];
  uniforms: number[];
  top: number;
  left: number;
  height: number;
  width: number;
  /** Whether none of the ten tries fitted, so that the central crop was taken. */
  isFallback: boolean;
}

/** The cases of fixtures/crops.json; its "about" says in which order the uniforms are used. */
export function loadCrops(): CropCase[] {
  return JSON.parse(readFileSync(new URL("crops.json", folder), "utf8")).cases;
}
