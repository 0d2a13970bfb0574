import { kernel } from "../engine/gpu/kernel.ts";
import { words } from "../engine/gpu/words.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import type { Random } from "../engine/random.ts";
import eraseWgsl from "../shaders/erase.wgsl";
import gridWgsl from "../shaders/grid.wgsl";

const WORKGROUP = 64;
const eraseKernel = kernel("erase_boxes", [gridWgsl, eraseWgsl], { WORKGROUP });

/** Tries to find a box that fits. */
const TRIES = 10;

/**
 * The box that is erased of one picture: probability p, area U(.02, 1/3), aspect exp U(log .3, log 1/.3); all 0 where there is
 * none. timm's random_erasing.py. -> [top, left, height, width]
 */
export function drawErasing(p: number, side: number, random: Random): [number, number, number, number] {
  if (random.next() >= p) return [0, 0, 0, 0];
  for (let i = 0; i < TRIES; i++) {
    const area = (0.02 + random.next() * (1 / 3 - 0.02)) * side * side;
    const aspect = Math.exp((2 * random.next() - 1) * Math.log(1 / 0.3));
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    if (height >= side || width >= side) continue;
    const place = (length: number) => Math.floor(random.next() * (side - length + 1));
    return [place(height), place(width), height, width];
  }
  return [0, 0, 0, 0];
}

/** images, noise [B, H, W, 3], boxes [B, 4] -> the images with noise in their boxes. */
export function erase(images: Tensor, noise: Tensor, boxes: Tensor): Tensor {
  const [, height, width] = images.shape as [number, number, number, number];
  const y = Tensor.empty(images.device, images.shape);
  const bindings = [words(images.size, height, width), images, noise, boxes, y];
  images.device.run(eraseKernel, bindings, Math.ceil(images.size / WORKGROUP));
  return y;
}
