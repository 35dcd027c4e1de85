/**
 * PostgreSQL has no NUL in its texts, and a name may have one. It is written as two characters, in such a way that texts
 * are equal, begin with each other and follow each other as they did before.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const ODD = /[\0\x01]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const EVERY_ODD = /[\0\x01]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const EVERY_WRITTEN = /\x01[\x01\x02]/g;

export function writeText(text: string): string {
  return ODD.test(text)
    ? text.replaceAll(EVERY_ODD, (each) => (each === '\0' ? '\x01\x01' : '\x01\x02'))
    : text;
}

export function readText(text: string): string {
  return text.includes('\x01')
    ? text.replaceAll(EVERY_WRITTEN, (each) => (each === '\x01\x01' ? '\0' : '\x01'))
    : text;
}
