/**
 * Text of others for a terminal: nothing in it moves the cursor, changes colours, or reverses what follows
 * (control characters, and those of Unicode that set direction or are not seen).
 */
export function plain(text: string): string {
  return text.replaceAll(UNSAFE, (character) => ESCAPES[character] ?? '\u{fffd}');
}

/** The same, with line breaks kept. */
export function plainLines(text: string): string {
  return text.split(/\r?\n/).map(plain).join('\n');
}

// biome-ignore lint/complexity/useRegexLiterals: the characters would not be seen.
const UNSAFE = new RegExp('[\\p{Cc}\\p{Cs}\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]', 'gu');
const ESCAPES: Readonly<Record<string, string>> = { '\n': '⏎', '\r': '', '\t': ' ' };

const segmenter = new Intl.Segmenter();
/** What takes two columns: East Asian wide and fullwidth letters, and pictures (Unicode, UAX #11 and UTS #51). */
const WIDE =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;

/** How many columns a text takes. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

const ASCII = /^[ -~]*$/;

/** A text in so many columns at most, its end replaced by … if need be. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : '';
}

export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}
