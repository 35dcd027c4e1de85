import { offsetAt } from '../zone.ts';

/** A moment as clocks in a zone show it, in RFC 3339 with their offset: `2026-03-29T03:30:00+02:00`. */
export function localTime(zone: string, instant: number): string {
  return withOffset(instant, offsetAt(zone, instant), zone);
}

/** The same with the offset that a clock has, or would have. Offsets from before standard time have seconds, which RFC 3339 has not. */
export function withOffset(instant: number, offsetMs: number, zone: string): string {
  const wall = new Date(instant + offsetMs).toISOString().replace(/(\.000)?Z$/, '');
  if (offsetMs === 0 && zone === 'UTC') return `${wall}Z`;
  const seconds = Math.abs(offsetMs) / 1000;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = parts.slice(0, parts[2] === 0 ? 2 : 3).map((part) => String(part).padStart(2, '0'));
  return `${wall}${offsetMs < 0 ? '-' : '+'}${text.join(':')}`;
}
