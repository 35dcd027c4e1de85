/**
 * The most that a Retry-After can put a retry off. A destination that asks for a year gets a day:
 * the delivery must not outlive its retention.
 */
export const RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1000;

/**
 * Retry-After as milliseconds from `now`: whole seconds or an HTTP date; 0 for what is neither, or in
 * the past; at most `RETRY_AFTER_MAX_MS`. When the field came several times, joined with commas, the
 * latest time counts: waiting for it does what each of them asks. Source: RFC 9110, section 10.2.3.
 */
export function retryAfterMs(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  let longest = 0;
  // The comma after the name of a day belongs to its date.
  for (const part of value.split(/(?<!day|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)),/)) {
    longest = Math.max(longest, waitOf(part.trim(), now));
  }
  return Math.min(longest, RETRY_AFTER_MAX_MS);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';

/**
 * The three forms of an HTTP date (RFC 9110, section 5.6.7), of which the last two are obsolete, but "a
 * recipient … MUST accept all three". Whether the name of the day is right is not asked: the date says enough.
 */
const HTTP_DATES = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`,
  ),
  // Sun Nov  6 08:49:37 1994
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>\\d{2}| \\d) ${TIME} (?<year>\\d{4})$`),
];

/** Above the bound, below 0 or not a number's worth of time: the caller bounds it. */
function waitOf(text: string, now: number): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = httpDate(text, now);
  return at === undefined ? 0 : at - now;
}

function httpDate(text: string, now: number): number | undefined {
  const parts = HTTP_DATES.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return undefined;
  const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  // The second 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const month = MONTHS.indexOf(parts.month!);
  const year = parts.year!.length === 2 ? fullYear(Number(parts.year), now) : Number(parts.year);
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // A day that the month does not have would become one of the next month.
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined;
  return date.setUTCHours(hour, minute, second);
}

/** Of two digits: this century's year, unless that is more than 50 years ahead; then the last century's. */
function fullYear(digits: number, now: number): number {
  const present = new Date(now).getUTCFullYear();
  const year = present - (present % 100) + digits;
  return year > present + 50 ? year - 100 : year;
}
