import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";

/**
 * The part of a student that its teacher averages: a student whose first trained parameters are those of the teacher, in its
 * order, has them at the front of its shards. -> as `teacher.trained`. Throws if the names or shapes differ.
 */
export function frontOf(student: Parameters, teacher: Parameters): Tensor[] {
  const wanted = teacher.segments.filter(({ trained }) => trained);
  for (const [i, { name, shape, shard, start }] of wanted.entries()) {
    const found = student.segments[i];
    const isAlike = found?.name === name && `${found.shape}` === `${shape}`;
    if (!isAlike || found.shard !== shard || found.start !== start) {
      throw new Error(
        `frontOf: the student must begin as its teacher does, with ${name}; got ${found?.name}`,
      );
    }
  }
  return teacher.trained.map(({ size }, shard) => student.trained[shard]!.alias([size]));
}
