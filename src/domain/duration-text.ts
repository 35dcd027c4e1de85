const PART = /(\d+)(?:\.(\d+))?(d|h|ms|m|us|µs|μs|ns|s)/y;

const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  d: 86_400_000_000_000n,
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  // µ has two code points.
  µs: 1000n,
  μs: 1000n,
  ns: 1n,
};

const NANOS = 1_000_000_000n;
/** 10,000 years: a google.protobuf.Duration holds no more. */
const SECONDS_MAX = 315_576_000_000n;
/** Longer text is no duration that anybody would write. */
const LENGTH_MAX = 64;

/** How a duration may be written, for messages. */
export const DURATION_FORMS = '"300s", "5m", "1h30m" or "250ms"';

/**
 * A duration in seconds with an `s`, as ProtoJSON has it, of one that is written so or with other units:
 * `1h30m` is `5400s`. Undefined for what is none.
 */
export function durationInSeconds(text: string): string | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  let nanos = 0n;
  let read = 0;
  while (read < digits.length) {
    PART.lastIndex = read;
    const [part = '', whole = '', fraction = '', unit = ''] = PART.exec(digits) ?? [];
    if (part === '') return undefined;
    const unitNanos = UNIT_NANOS[unit]!;
    nanos +=
      BigInt(whole) * unitNanos + (BigInt(fraction || '0') * unitNanos) / 10n ** BigInt(fraction.length);
    read += part.length;
  }
  if (read === 0 || nanos > SECONDS_MAX * NANOS) return undefined;
  const rest = nanos % NANOS;
  const decimals = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${negative ? '-' : ''}${nanos / NANOS}${decimals}s`;
}
