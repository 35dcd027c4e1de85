/** A flag and what is written behind it in the same word: `--every` and `5s` of `--every=5s`. */
export function splitFlag(word: string): { readonly flag: string; readonly value: string | undefined } {
  const equals = word.indexOf('=');
  if (equals < 0) return { flag: word, value: undefined };
  return { flag: word.slice(0, equals), value: word.slice(equals + 1) };
}
