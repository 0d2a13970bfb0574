/** A name of the program in words: `featureStd` is `Feature std`, `mask-ratio` `Mask ratio`, and `kl` `KL`. */
export function inWords(name: string): string {
  if (name.length <= 2) return name.toUpperCase();
  const words = name.replaceAll("-", " ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0]!.toUpperCase() + words.slice(1);
}
