// Accuracies as lines, the same for every command that measures some.

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export const accuracy = ({ top1, top5 }: { top1: number; top5: number }): string =>
  `top-1 ${percent(top1)}, top-5 ${percent(top5)}`;

export const guesses = ({ chance, majority }: { chance: number; majority: number }): string =>
  `guessing evenly ${percent(chance)}, always the most frequent class ${percent(majority)}`;
