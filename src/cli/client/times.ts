import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';

/** Milliseconds since the epoch; undefined where there is none. */
export function msOf(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** How far a moment is from now, in its largest unit: `3m ago`, `in 2h`, `now`. Empty where there is none. */
export function fromNow(time: Timestamp | undefined, now: number): string {
  const ms = msOf(time);
  if (ms === undefined) return '';
  const distance = Math.abs(ms - now);
  const [unit, size] = UNITS.find(([, each]) => distance >= each) ?? [];
  if (unit === undefined) return 'now';
  const span = `${Math.floor(distance / size)}${unit}`;
  return ms > now ? `in ${span}` : `${span} ago`;
}

/** How long until then; `now` for what is due already. */
export function untilThen(time: Timestamp | undefined, now: number): string {
  const ms = msOf(time);
  return ms !== undefined && ms <= now ? 'now' : fromNow(time, now);
}

/** A moment in full, and how far it is: `2026-01-31T12:00:00.000Z (3m ago)`. */
export function inFull(time: Timestamp | undefined, now: number): string | undefined {
  const ms = msOf(time);
  return ms === undefined ? undefined : `${new Date(ms).toISOString()} (${fromNow(time, now)})`;
}

/** The time of day here, to the second. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** A span in its largest unit that leaves no more than two digits behind the point: `12 ms`, `1.5 s`, `2 h`. */
export function span(duration: Duration | undefined): string {
  if (duration === undefined) return '';
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  if (ms < 1000) return `${rounded(ms, ms < 10 ? 1 : 0)} ms`;
  const [unit, size] = UNITS.find(([, each]) => ms >= each && (ms % each === 0 || each === 1000)) ?? [
    's',
    1000,
  ];
  return `${rounded(ms / size, 2)} ${unit}`;
}

function rounded(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
