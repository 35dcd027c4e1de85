import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { Problems } from '../../domain/problems.ts';

const NANOS_PER_MS = 1_000_000;
/** The bounds that google/protobuf/timestamp.proto and duration.proto set. */
const SECONDS_MIN = -62_135_596_800n;
const SECONDS_MAX = 253_402_300_799n;
const DURATION_SECONDS_MAX = 315_576_000_000n;

/** Milliseconds since the epoch. Finer parts are cut off. */
export function fromTimestamp(time: Timestamp, field: string, problems: Problems): number {
  const { seconds, nanos } = time;
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX || nanos < 0 || nanos > 999_999_999) {
    problems.add(field, 'must lie between the years 1 and 9999');
    return 0;
  }
  return Number(seconds) * 1000 + Math.floor(nanos / NANOS_PER_MS);
}

/** What `fromTimestamp` cuts off, in nanoseconds. */
export function cutNanosOf({ nanos }: Timestamp): number {
  return nanos % NANOS_PER_MS;
}

/** Milliseconds. A span that is not a whole number of them is refused: a period must not differ from what was asked for. */
export function fromDuration(span: Duration, field: string, problems: Problems): number {
  const { seconds, nanos } = span;
  const mixed = (seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0);
  const large =
    seconds > DURATION_SECONDS_MAX || seconds < -DURATION_SECONDS_MAX || Math.abs(nanos) > 999_999_999;
  if (mixed || large) {
    problems.add(field, 'is not a valid duration: seconds and nanos must be in range and have the same sign');
    return 0;
  }
  if (nanos % NANOS_PER_MS !== 0) {
    problems.add(field, 'must be a whole number of milliseconds');
    return 0;
  }
  return Number(seconds) * 1000 + nanos / NANOS_PER_MS;
}

export function toTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return create(TimestampSchema, {
    seconds: BigInt(seconds),
    nanos: Math.round((ms - seconds * 1000) * NANOS_PER_MS),
  });
}

export function toDuration(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  return create(DurationSchema, {
    seconds: BigInt(seconds),
    nanos: Math.round((ms - seconds * 1000) * NANOS_PER_MS),
  });
}
