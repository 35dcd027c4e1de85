/** How much of somebody's own text is repeated to them. */
const ECHO_LENGTH = 64;

/** A text, cut off where it is too long. Cuts no character in two. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

/** A caller's text as it may be repeated in a message: short, in quotes, free of control characters. */
export function echo(text: string): string {
  return JSON.stringify(clip(text.toWellFormed(), ECHO_LENGTH));
}
