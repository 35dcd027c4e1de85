/**
 * The value of a JSON text that plainly has nothing to be told: no member twice, and no more values and levels than may
 * be. Undefined for any other; a thorough look says then what it is. Most calls are plain, and this takes an eighth of
 * the time.
 *
 * An object that has a member twice has fewer members than its text has colons outside of strings.
 */
export function plainJson(
  text: string,
  { depthMax, valuesMax }: { readonly depthMax: number; readonly valuesMax: number },
): object | undefined {
  if (text.length > valuesMax) return undefined;
  const colons = countColons(text, depthMax);
  if (colons === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof value === 'object' && value !== null && countMembers(value) === colons ? value : undefined;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING = [0x5b, 0x7b] as const;
const CLOSING = [0x5d, 0x7d] as const;

/** Those outside of strings; undefined for a text that nests too deep, or whose last string does not end. */
function countColons(text: string, depthMax: number): number | undefined {
  let colons = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at < 0) return undefined;
    } else if (code === COLON) colons++;
    else if (code === OPENING[0] || code === OPENING[1]) {
      if (++depth > depthMax) return undefined;
    } else if (code === CLOSING[0] || code === CLOSING[1]) depth--;
  }
  return colons;
}

/** Where a string ends that begins here; -1 if it does not end. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether what stands here, in a string, is part of an escape: of several backslashes before it, each second is escaped. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text.charCodeAt(from - 1) === BACKSLASH) from--;
  return (at - from) % 2 === 1;
}

function countMembers(value: object): number {
  let members = 0;
  const isList = Array.isArray(value);
  for (const inner of Object.values(value)) {
    if (!isList) members++;
    if (typeof inner === 'object' && inner !== null) members += countMembers(inner);
  }
  return members;
}
