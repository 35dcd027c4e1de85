/**
 * Whether a time that looks like RFC 3339 is one: Date.parse alone takes 30 February for 2 March, and 24:00
 * for the next day.
 */
export function isRealTime(text: string): boolean {
  const date = text.slice(0, 10);
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || Number.isNaN(Date.parse(text.toUpperCase()))) return false;
  return new Date(midnight).toISOString().startsWith(date) && text.slice(11, 13) !== '24';
}

/** A time in RFC 3339, in UTC, to the millisecond. */
export function toRfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
