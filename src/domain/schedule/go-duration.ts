/** Units of Go's time.ParseDuration, in milliseconds. µ has two code points, and Go takes both. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads a duration as Go writes it, such as `1h30m`, `10s`, `1.5h` or `500ms`, in milliseconds, which
 * need not be whole; undefined for any other text, and for a negative duration. Source: https://pkg.go.dev/time#ParseDuration.
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let totalMs = 0;
  let read = 0;
  while (read < text.length) {
    part.lastIndex = read;
    const found = part.exec(text);
    if (found === null) return undefined;
    totalMs += Number(found[1]) * UNIT_MS[found[2]!]!;
    read = part.lastIndex;
  }
  if (read === 0) return undefined;
  // 1.1 s is 1100 ms and not 1100.0000000000002 of them: to the nanosecond, as Go counts.
  return Math.round(totalMs * 1e6) / 1e6;
}
