/**
 * A filter as the library's parser (0.6.1) reads it. That knows no quoted fields (`` event.data.`a-b` ``) and no
 * comment at the end or behind another, and makes `!(!(x))` the same as `x`, whatever that is.
 */
export interface ReadableSource {
  readonly text: string;
  /** Fields that were quoted, by the names that stand for them. */
  readonly quoted: ReadonlyMap<string, string>;
  /** Where in the filter something of `text` is. */
  place(offset: number): number;
}

/** Rewrites what the parser does not read, or not as it is meant. */
export function readableSource(source: string): ReadableSource {
  if (!/[`!]|\/\/|-\s*\(/.test(source)) return { text: source, quoted: NOTHING, place: (offset) => offset };
  const quoted = new Map<string, string>();
  const edits: Edit[] = [];
  const prefix = unusedPrefix(source);
  let text = '';
  let from = 0;

  function replace(at: number, length: number, by: string): void {
    text += source.slice(from, at) + by;
    from = at + length;
    if (by.length !== length) edits.push({ end: text.length, by: by.length - length });
  }

  for (const { index, 0: token, groups } of source.matchAll(TOKEN)) {
    const { field, comment, operator } = groups!;
    if (comment !== undefined) replace(index, token.length, ' '.repeat(token.length));
    else if (field !== undefined) {
      const name = `${prefix}${quoted.size}`;
      quoted.set(name, field);
      replace(index + token.indexOf('`'), field.length + 2, name);
    } else if (operator !== undefined) replace(index + token.indexOf('('), 0, 'dyn');
  }
  text += source.slice(from);
  return { text, quoted, place: (offset) => placeBefore(edits, offset) };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Something in the text that was made longer or shorter. */
interface Edit {
  /** Where it ends in the new text. */
  readonly end: number;
  /** How much longer it is. */
  readonly by: number;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/**
 * What has a meaning of its own, from left to right: text, which is left alone; comments; quoted fields; and a
 * negation of something in brackets that begins with the same negation.
 */
const TOKEN = new RegExp(
  [
    /\b(?:[rR][bB]?|[bB][rR])(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\r\n]*"|'[^'\r\n]*')/,
    /"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*'/,
    /(?<comment>\/\/[^\r\n]*)/,
    /\.\s*`(?<field>[a-zA-Z0-9_.\-/ ]+)`/,
    /(?<operator>[!-])\s*\((?=[\s(]*\k<operator>)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** The beginning of names that are nowhere in a filter. */
function unusedPrefix(source: string): string {
  let prefix = 'quoted_';
  while (source.includes(prefix)) prefix = `q${prefix}`;
  return prefix;
}

function placeBefore(edits: readonly Edit[], offset: number): number {
  let place = offset;
  for (const { end, by } of edits) if (end <= offset) place -= by;
  return place;
}
