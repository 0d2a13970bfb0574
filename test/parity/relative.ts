/** ||actual - expected|| / ||expected||, the measure PyTorch's own f32 error is recorded in. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let off = 0;
  let all = 0;
  for (let i = 0; i < expected.length; i++) {
    off += (actual[i]! - expected[i]!) ** 2;
    all += expected[i]! ** 2;
  }
  return all === 0 ? Math.sqrt(off) : Math.sqrt(off / all);
}

/** [B, C, H, W] -> [B, H, W, C]: the fixtures hold PyTorch's order. */
export function channelsLast(values: Float32Array, [B, C, H, W]: readonly number[]): Float32Array {
  const moved = new Float32Array(values.length);
  for (let b = 0; b < B!; b++) {
    for (let c = 0; c < C!; c++) {
      for (let i = 0; i < H! * W!; i++)
        moved[(b * H! * W! + i) * C! + c] = values[(b * C! + c) * H! * W! + i]!;
    }
  }
  return moved;
}
