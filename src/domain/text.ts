/** A text, cut off where it is too long. Cuts no character in two. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

/** How much of a caller's own text is repeated to them. */
const QUOTED_LENGTH = 64;

/** A caller's text as it may be repeated in a message: short, in quotes, free of control characters. */
export function quote(text: string, lengthMax = QUOTED_LENGTH): string {
  return JSON.stringify(clip(text.toWellFormed(), lengthMax));
}
