// Cross-entropy between what a student and its teacher say by prototypes (DINO, iBOT). With 65,536 prototypes a row of logits
// is 256 KiB, so those of all crops are never there at once: rows are taken in pieces, view by view, and the student's logits
// of a piece are made again for its gradient. What is kept are bottlenecks, and the teacher's probabilities of class tokens.

import { stopGradient } from "../engine/graph/op.ts";
import { recompute } from "../engine/graph/recompute.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { add, div, mul, scale, sub } from "../engine/ops/elementwise.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { mean } from "../engine/ops/mean.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { sum } from "../engine/ops/sum.ts";

/** What a network says of R rows: its bottlenecks z [R, b] and its prototypes [K, b]; the logits are their products. */
export interface Answers {
  z: Tensor;
  prototypes: Tensor;
}

/** How a teacher's logits become targets: softmax((logits - center) / temperature). center [K], temperature []. */
export interface Sharpening {
  center: Tensor;
  temperature: Tensor;
}

/** Most bytes of the logits of one piece; a quarter of what every adapter binds. */
const PIECE_BYTES = 32 * 2 ** 20;

/** Rows 0 to `rows` in ranges whose logits of `classes` each are at most so many bytes, or one row. */
export function piecesOf(
  rows: number,
  classes: number,
  pieceBytes = PIECE_BYTES,
): [from: number, to: number][] {
  const most = Math.max(1, Math.floor(pieceBytes / (4 * classes)));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => [i * most, Math.min(rows, (i + 1) * most)]);
}

const logitsOf = (z: Tensor, prototypes: Tensor): Tensor => matmul(z, prototypes, { transposeB: true });

/** The teacher's probabilities of the rows z. [R, b] -> [R, K] */
const targetsOf = (z: Tensor, prototypes: Tensor, { center, temperature }: Sharpening): Tensor =>
  stopGradient(softmax(div(sub(logitsOf(z, prototypes), center), temperature)));

/** The mean logits of all rows, [K]: those of the mean bottleneck, since logits are linear in it. */
export const meanAnswer = ({ z, prototypes }: Answers): Tensor =>
  stopGradient(reshape(logitsOf(mean(z, 0, true), prototypes), [prototypes.shape[0]!]));

/**
 * DINOLoss on class tokens: the mean cross-entropy of every student view against the teacher's other views. Rows are view by
 * view, the two global ones first: the student's [V B], the teacher's [2 B]. -> the loss [], and the teacher's probabilities,
 * together [2 B, K], in pieces of at most `pieceBytes`.
 */
export function crossViewLoss(
  student: Answers,
  teacher: Answers,
  sharpening: Sharpening,
  temperature: number,
  pieceBytes?: number,
): { loss: Tensor; targets: Tensor[] } {
  const batch = teacher.z.shape[0]! / 2;
  const views = student.z.shape[0]! / batch;
  const losses: Tensor[] = [];
  const targets: Tensor[] = [];
  for (const [from, to] of piecesOf(batch, teacher.prototypes.shape[0]!, pieceBytes)) {
    const rowsOf = ({ z }: Answers, view: number) => slice(z, 0, view * batch + from, view * batch + to);
    const [first, second] = [0, 1].map((view) =>
      targetsOf(rowsOf(teacher, view), teacher.prototypes, sharpening),
    ) as [Tensor, Tensor];
    // A local view meets both targets, and cross-entropy is linear in the target: one row with their sum serves both.
    const both = views > 2 ? add(first, second) : first;
    for (let view = 0; view < views; view++) {
      const target = [second, first][view] ?? both;
      const piece = (z: Tensor) => {
        const logits = scale(logitsOf(z, student.prototypes), 1 / temperature);
        return crossEntropy(logits, target, { reduction: "none" });
      };
      losses.push(recompute(piece, rowsOf(student, view)));
    }
    targets.push(first, second);
  }
  const terms = 2 * views - 2;
  return { loss: scale(sum(concat(losses, 0)), 1 / (terms * batch)), targets };
}

/**
 * iBOT's loss on patch tokens: the cross-entropies of student rows against the teacher's rows of the same patches, each times
 * its weight, added up. z of both [R, b], weights [R] -> [].
 */
export function patchLoss(
  student: Answers,
  teacher: Answers,
  weights: Tensor,
  sharpening: Sharpening,
  temperature: number,
): Tensor {
  const pieces = piecesOf(weights.size, teacher.prototypes.shape[0]!);
  const losses = pieces.map(([from, to]) => {
    const taught = slice(teacher.z, 0, from, to);
    const piece = (z: Tensor) => {
      const target = targetsOf(taught, teacher.prototypes, sharpening);
      const logits = scale(logitsOf(z, student.prototypes), 1 / temperature);
      return mul(crossEntropy(logits, target, { reduction: "none" }), slice(weights, 0, from, to));
    };
    return recompute(piece, slice(student.z, 0, from, to));
  });
  return sum(concat(losses, 0));
}
