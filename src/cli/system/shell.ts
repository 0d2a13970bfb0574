/** What no shell reads as anything but itself. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Words as one line for a POSIX shell, which takes it apart into the same words. */
export const commandLine = (words: readonly string[]): string =>
  words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
