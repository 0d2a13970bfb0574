// One row of a ring of metrics: (step, check word, metric 0, metric 1, ...), at row step % rows. The check word is
// `restarts ^ CHECK`: a row that never arrived, or was left by a run before it was put back, is told from one that
// did. Metrics are copied as bits.

const CHECK = 0x9e3779b9u;

struct Size {
  rows: u32,
  metrics: u32,
}

@group(0) @binding(0) var<uniform> size: Size;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> restarts: array<u32>;
@group(0) @binding(3) var<storage, read> metrics: array<u32>;
@group(0) @binding(4) var<storage, read_write> ring: array<u32>;

@compute @workgroup_size(64)
fn metric_ring(@builtin(local_invocation_index) lane: u32) {
  let start = step[0] % size.rows * (size.metrics + 2u);
  if (lane == 0u) {
    ring[start] = step[0];
    ring[start + 1u] = restarts[0] ^ CHECK;
  }
  if (lane < size.metrics) {
    ring[start + 2u + lane] = metrics[lane];
  }
}
