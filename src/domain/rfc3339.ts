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

/**
 * The second that was written last, and its text up to the fraction. Times that are written one after the other are
 * mostly of one second, and to make a Date costs more than to copy a text.
 */
let written = { second: Number.NaN, text: '' };

/** A time in RFC 3339, in UTC, to the millisecond. Raises RangeError for a time that Date cannot hold. */
export function toRfc3339(ms: number): string {
  const whole = Math.trunc(ms);
  const second = Math.floor(whole / 1000);
  if (second !== written.second) {
    const text = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
    written = { second, text };
  }
  return `${written.text}${String(whole - second * 1000).padStart(3, '0')}Z`;
}
