// The sum of a loop's values for Summand = f32 or a vector of it, in the order in which they come. Where few come it is the
// plain one. LONG: sixteen values are added up, then sixteen such sums, and so on, so that the error of each step of a
// long sum is relative to a part of it and not to the whole: below 1e-6 for millions of values.

struct RunningSum {
  ones: Summand,
  sixteens: Summand,
  squares: Summand, // of 16²
  cubes: Summand, // of 16³, without end
  count: u32,
}

fn add_to(sum: ptr<function, RunningSum>, value: Summand) {
  (*sum).ones += value;
  if (LONG) {
    (*sum).count++;
    if ((*sum).count % 16u == 0u) {
      (*sum).sixteens += (*sum).ones;
      (*sum).ones = Summand();
      if ((*sum).count % 256u == 0u) {
        (*sum).squares += (*sum).sixteens;
        (*sum).sixteens = Summand();
        if ((*sum).count % 4096u == 0u) {
          (*sum).cubes += (*sum).squares;
          (*sum).squares = Summand();
        }
      }
    }
  }
}

fn total_of(sum: RunningSum) -> Summand {
  if (LONG) {
    return sum.cubes + (sum.squares + (sum.sixteens + sum.ones));
  }
  return sum.ones;
}
