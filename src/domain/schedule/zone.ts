import { type BoundedCache, boundedCache } from '../bounded-cache.ts';
import { invalid } from '../error.ts';

/**
 * Time zones, by way of `Intl`: a zone is a line of stretches of constant offset. A *wall* time is
 * what a clock on the wall shows, written as the milliseconds since the epoch at which a clock in
 * UTC shows the same: wall = instant + offset. `Temporal` would do, but Node 24 does not have it.
 */

/** No offset from UTC is as large as this. The largest ever was 15 h 56 min, in Manila until 1844. */
export const OFFSET_MAX_MS = 16 * 3_600_000;

/** A part of a zone's time line in which its offset does not change: [start, end). */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly offsetMs: number;
  /**
   * The change of offset that this stretch follows, where it lies close enough to matter: its
   * instant, and the offset before it. Without one, minus infinity and the stretch's own offset.
   */
  readonly changedAt: number;
  readonly beforeMs: number;
}

/** Which instants show a wall time. */
export type WallReading =
  | { readonly kind: 'one'; readonly instant: number }
  /** None: the clocks were put forward past it, by `lengthMs`. `instant` is later by that length. */
  | { readonly kind: 'gap'; readonly instant: number; readonly lengthMs: number }
  /** Two: the clocks were put back over it. */
  | { readonly kind: 'two'; readonly first: number; readonly second: number };

const DAY_MS = 86_400_000;
/**
 * How far apart a zone's offset is looked at. Two changes must not fit in between: the closest ever
 * were 7 days apart (America/Recife, October 2000).
 */
const PROBE_MS = 3 * DAY_MS;
/** A zone's stretches are found and remembered a block of this length at a time. */
const BLOCK_MS = 21 * PROBE_MS;
/** Blocks remembered of one zone, those used lately: about five years. */
const BLOCKS_MAX = 32;
/** Zones of which blocks are remembered; there are some 420, and some 600 with links. */
const ZONES_MAX = 1024;
/** Formatters kept: one takes 30 KB and 70 µs to make. They are needed only when a block is new. */
const FORMATTERS_MAX = 32;
/** Spellings of zone names remembered. */
const NAMES_MAX = 2048;
/** No zone's name is longer. */
const NAME_LENGTH_MAX = 64;

/**
 * Abbreviations that ICU takes for zones and IANA does not know, some of them far from what a caller
 * would mean: BST is Dhaka to it and not British summer time.
 */
const NOT_IANA = new Set(
  'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST'.split(
    ' ',
  ),
);

const names = boundedCache<string, string>(NAMES_MAX);
const formatters = boundedCache<string, Intl.DateTimeFormat>(FORMATTERS_MAX);
const zones = boundedCache<string, BoundedCache<number, readonly Stretch[]>>(ZONES_MAX);

/** Whether this names an IANA time zone or a link to one, in any case. Offsets such as +02:00 do not. */
export function isTimeZone(name: string): boolean {
  return canonicalTimeZone(name) !== undefined;
}

/** The platform's own spelling of an IANA time zone or link, in any case; undefined if it is none. */
export function canonicalTimeZone(name: string): string | undefined {
  if (name.length > NAME_LENGTH_MAX || !/^[a-z]/i.test(name) || NOT_IANA.has(name.toUpperCase())) {
    return undefined;
  }
  const known = names.get(name);
  if (known !== undefined) return known;
  try {
    const canonical = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
    names.set(name, canonical);
    return canonical;
  } catch {
    return undefined;
  }
}

/** The zone's offset from UTC at an instant, in milliseconds; east is positive. */
export function offsetAt(zone: string, instant: number): number {
  return stretchAt(zone, instant).offsetMs;
}

/**
 * The stretch around an instant. It may end (and the next one begin) where nothing changes, since
 * the time line is looked at a block at a time. Throws INVALID for an unknown zone.
 */
export function stretchAt(zone: string, instant: number): Stretch {
  let blocks = zones.get(zone);
  if (blocks === undefined) {
    blocks = boundedCache(BLOCKS_MAX);
    zones.set(zone, blocks);
  }
  const index = Math.floor(instant / BLOCK_MS);
  let stretches = blocks.get(index);
  if (stretches === undefined) {
    stretches = findStretches(zone, index * BLOCK_MS, (index + 1) * BLOCK_MS);
    blocks.set(index, stretches);
  }
  for (const stretch of stretches) if (instant < stretch.end) return stretch;
  throw new RangeError(`no time zone has an offset at ${instant}`);
}

/** The instants at which a clock in the zone shows a wall time. */
export function readWall(zone: string, wall: number): WallReading {
  const found: number[] = [];
  for (let at = wall - OFFSET_MAX_MS; at <= wall + OFFSET_MAX_MS; ) {
    const { start, end, offsetMs, changedAt, beforeMs } = stretchAt(zone, at);
    const instant = wall - offsetMs;
    if (instant >= start && instant < end) found.push(instant);
    else if (changedAt === start && wall >= start + beforeMs && wall < start + offsetMs) {
      return { kind: 'gap', instant: wall - beforeMs, lengthMs: offsetMs - beforeMs };
    }
    at = end;
  }
  const [first, second] = found;
  if (first === undefined) throw new RangeError(`no clock in ${zone} shows ${wall}`);
  return second === undefined ? { kind: 'one', instant: first } : { kind: 'two', first, second };
}

function findStretches(zone: string, from: number, to: number): readonly Stretch[] {
  const formatter = formatterOf(zone);
  const stretches: Stretch[] = [];
  // One step before the block, so that its first stretch knows of a change just behind it.
  let start = from;
  let changedAt = Number.NEGATIVE_INFINITY;
  let offsetMs = readOffset(formatter, from - PROBE_MS);
  let beforeMs = offsetMs;
  for (let probe = from - PROBE_MS; probe < to; probe += PROBE_MS) {
    const later = readOffset(formatter, probe + PROBE_MS);
    if (later === offsetMs) continue;
    const at = findChange(formatter, probe, probe + PROBE_MS);
    // A change at the very end of the block is the beginning of the next one.
    if (at >= to) break;
    if (at > start) stretches.push({ start, end: at, offsetMs, changedAt, beforeMs });
    start = Math.max(start, at);
    changedAt = at;
    beforeMs = offsetMs;
    offsetMs = later;
  }
  stretches.push({ start, end: to, offsetMs, changedAt, beforeMs });
  return stretches;
}

/** The first instant of (from, to] with the offset of `to`, which differs from that of `from`. */
function findChange(formatter: Intl.DateTimeFormat, from: number, to: number): number {
  const offsetMs = readOffset(formatter, to);
  let [before, after] = [from, to];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (readOffset(formatter, middle) === offsetMs) after = middle;
    else before = middle;
  }
  return after;
}

/** Reads `1/1/1883, GMT-04:56:02`: offsets before standard time have seconds. */
function readOffset(formatter: Intl.DateTimeFormat, instant: number): number {
  const text = formatter.format(instant);
  const at = text.lastIndexOf('GMT') + 3;
  if (at === text.length) return 0;
  const [hours = 0, minutes = 0, seconds = 0] = text
    .slice(at + 1)
    .split(':')
    .map(Number);
  const size = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return text[at] === '-' ? -size : size;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  if (!isTimeZone(zone)) throw invalid('time_zone', notAZone(zone));
  const formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  formatters.set(zone, formatter);
  return formatter;
}

/** What to tell whoever named a zone that there is not. */
export function notAZone(name: string): string {
  return `${JSON.stringify(name.slice(0, NAME_LENGTH_MAX))} is not an IANA time zone; write one such as Europe/Vienna, or UTC`;
}
