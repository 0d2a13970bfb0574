// The sum of a loop's values for Summand = f32 or a vector of it, in the order in which they come. Where few come it is the
// plain one. LONG: sixteen values are added up, then sixteen such sums, and so on, so that the error of each addition is
// relative to a part of the sum and not to the whole: below 1e-6 for a million values in one lane.

struct RunningSum {
  count: u32,
  ones: Summand,
  of_16: Summand,
  of_256: Summand,
  of_4096: Summand,
  of_65536: Summand, // without end
}

fn add_to(sum: ptr<function, RunningSum>, value: Summand) {
  (*sum).ones += value;
  if (LONG) {
    (*sum).count++;
    if ((*sum).count % 16u == 0u) {
      carry(sum);
    }
  }
}

fn carry(sum: ptr<function, RunningSum>) {
  let count = (*sum).count;
  (*sum).of_16 += (*sum).ones;
  (*sum).ones = Summand();
  if (count % 256u == 0u) {
    (*sum).of_256 += (*sum).of_16;
    (*sum).of_16 = Summand();
  }
  if (count % 4096u == 0u) {
    (*sum).of_4096 += (*sum).of_256;
    (*sum).of_256 = Summand();
  }
  if (count % 65536u == 0u) {
    (*sum).of_65536 += (*sum).of_4096;
    (*sum).of_4096 = Summand();
  }
}

fn total_of(sum: RunningSum) -> Summand {
  if (LONG) {
    return sum.of_65536 + (sum.of_4096 + (sum.of_256 + (sum.of_16 + sum.ones)));
  }
  return sum.ones;
}
