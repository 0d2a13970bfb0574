// Elementwise ops, one or several in a dispatch. elementwiseKernel.ts supplies the constants, the bindings from 1 on, and
//   fn compute(i: u32)    loads, formulas and stores of vector i
// V, I and U are f32, i32 and u32, or vec4 of them; one thread per vector.  Needs grid.wgsl.
//
// Values go from formula to formula as bits, each through `hidden` with a word of its own. The word is 0 in every run, but
// a compiler cannot know: nothing it may do within a formula (contraction, reassociation, cancelling an exp against a
// log) reaches across to the next, just as if the value had been in memory.

// The number of vectors; a word for each argument; (length, stride) of the axes of stretched inputs.
@group(0) @binding(0) var<uniform> words: array<vec4u, WORDS>;

fn word(k: u32) -> u32 {
  return words[k / 4u][k % 4u];
}

fn hidden(bits: U, k: u32) -> U {
  return bits ^ U(word(k));
}

// Where a stretched input, whose `rank` axes stand at words from `first` on, has value i of the output.
fn stretched(i: u32, first: u32, rank: u32) -> u32 {
  var rest = i;
  var at = 0u;
  for (var k = rank; k > 0u; k--) {
    let length = word(first + 2u * k - 2u);
    at += rest % length * word(first + 2u * k - 1u);
    rest = rest / length;
  }
  return at;
}

@compute @workgroup_size(WORKGROUP)
fn elementwise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i < word(0u)) {
    compute(i);
  }
}
