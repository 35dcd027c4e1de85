import { isRealTime } from '../../domain/rfc3339.ts';
import { quote } from '../../domain/text.ts';
import { duration } from '../../server/config/setting-types.ts';
import { flagValue, type Invocation, UsageError } from './command.ts';

// What is too long is for the server to say.
const DURATION = duration({ min: '0ms', max: '9999999d' });
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds of `90s`, `1.5h` or `1h30m`. Raises UsageError that names the flag. */
export function readDuration(flag: string, text: string): number {
  const ms = DURATION.parse(text);
  if (ms !== undefined) return ms;
  throw wrong(flag, text, 'a duration with a unit: 500ms, 15s, 10m, 1h30m or 5d');
}

/** The same in ProtoJSON. */
export function durationJson(flag: string, text: string): string {
  return `${readDuration(flag, text) / 1000}s`;
}

/** A moment in RFC 3339: one given so is kept as it is; a duration is so long before now, or after it. */
export function timeJson(flag: string, text: string, now: number, direction: 'ago' | 'ahead'): string {
  if (RFC_3339.test(text) && isRealTime(text)) return text;
  const ms = DURATION.parse(text);
  if (ms === undefined) {
    throw wrong(flag, text, 'a time such as 2026-01-31T12:00:00Z, or a duration such as 10m, 1h30m or 5d');
  }
  return new Date(direction === 'ago' ? now - ms : now + ms).toISOString();
}

/** What `--since` and `--until` say, in RFC 3339. Raises UsageError when nothing can lie between them. */
export function rangeJson(
  invocation: Pick<Invocation, 'flags'>,
  now: number,
): { readonly since?: string; readonly until?: string } {
  const [since, until] = ['--since', '--until'].map((flag) => {
    const text = flagValue(invocation, flag);
    return text === undefined ? undefined : timeJson(flag, text, now, 'ago');
  });
  if (since !== undefined && until !== undefined && Date.parse(until) <= Date.parse(since)) {
    throw new UsageError('--until must be later than --since');
  }
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
}

/** Of `name=value`. What is given for a header may be a secret, and is not repeated. */
export function readEntry(flag: string, text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  const right = 'a name, an equals sign and a value';
  throw flag.includes('header') ? new UsageError(`${flag}: give ${right}`) : wrong(flag, text, right);
}

export function readNumber(flag: string, text: string): number {
  const number = /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw wrong(flag, text, 'a number');
}

/** A whole number from 1 to the maximum. */
export function readCount(flag: string, text: string, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw wrong(flag, text, `a whole number from 1 to ${max}`);
}

/** The name in the proto file of one of these words, in any case. */
export function readWord(flag: string, text: string, words: readonly string[], prefix: string): string {
  const word = words.find((each) => each === text.toLowerCase().replaceAll('_', '-'));
  if (word !== undefined) return prefix + word.toUpperCase().replaceAll('-', '_');
  throw wrong(flag, text, `one of ${words.join(', ')}`);
}

/** A field's name as masks and the proto files have it: `retry_policy` of `retryPolicy`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function wrong(flag: string, text: string, right: string): UsageError {
  return new UsageError(`${flag}: ${quote(text)} is not allowed; give ${right}`);
}
