import { type BoundedCache, boundedCache } from '../bounded-cache.ts';
import { invalid } from '../error.ts';

/**
 * Time zones, as `Intl` knows them. A zone is a series of stretches of constant offset. A *wall* time
 * is what a clock on the wall shows, written as the milliseconds since the epoch at which a clock in
 * UTC shows the same: wall = instant + offset. `Temporal` would do, but Node 24 does not have it.
 */

/** Every offset from UTC is smaller than this. The largest ever was 15 h 56 min, in Manila until 1844. */
export const OFFSET_MAX_MS = 16 * 3_600_000;

/** A time, [start, end), in which a zone's offset does not change. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly offsetMs: number;
  /**
   * The instant of the change of offset before this stretch, and the offset before that change, if it
   * is close enough to matter. Otherwise minus infinity and the stretch's own offset.
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
 * The time between two probes of a zone's offset. Two changes must not fit in between. The closest
 * ever were 7 days apart (America/Recife, October 2000).
 */
const PROBE_MS = 3 * DAY_MS;
/** A zone's stretches are found and remembered in blocks of this length. */
const BLOCK_MS = 21 * PROBE_MS;
/** Blocks remembered of one zone, which are about five years. Those used lately are kept. */
const BLOCKS_MAX = 32;
/** Zones whose blocks are remembered. There are some 420, and some 600 with links. */
const ZONES_MAX = 1024;
/** Formatters kept. One takes 30 KB, and 70 µs to make; it is needed only for a new block. */
const FORMATTERS_MAX = 32;
/** Spellings of zone names remembered. */
const NAMES_MAX = 2048;
/** No zone's name is longer. */
const NAME_LENGTH_MAX = 64;

/**
 * Abbreviations that ICU takes for zones although IANA does not know them. Some are far from what a
 * caller would mean: BST is Dhaka to ICU, and not British Summer Time.
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

/**
 * A zone as its caller names it, in the letters of the platform where it has that name too. Not the platform's own
 * name: that of Europe/Kyiv is Europe/Kiev on some.
 */
export function spelledTimeZone(name: string): string {
  const canonical = canonicalTimeZone(name);
  return canonical?.toLowerCase() === name.toLowerCase() ? canonical : name;
}

/** The zone's offset from UTC at an instant, in milliseconds; east is positive. */
export function offsetAt(zone: string, instant: number): number {
  return stretchAt(zone, instant).offsetMs;
}

/**
 * The stretch around an instant. It may end, and the next one begin, where nothing changes, because
 * stretches are found a block at a time. Throws INVALID for an unknown zone.
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
  // Probing begins one step early, so that the first stretch knows of a change just before the block.
  let start = from;
  let changedAt = Number.NEGATIVE_INFINITY;
  let offsetMs = readOffset(formatter, from - PROBE_MS);
  let beforeMs = offsetMs;
  for (let probe = from - PROBE_MS; probe < to; probe += PROBE_MS) {
    const later = readOffset(formatter, probe + PROBE_MS);
    if (later === offsetMs) continue;
    const at = findChange(formatter, probe, probe + PROBE_MS);
    // A change at the very end of the block belongs to the next one.
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

/** Reads `1/1/1883, GMT-04:56:02`. Offsets from before standard time have seconds. */
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

/** What is wrong with a name that is no time zone. */
export function notAZone(name: string): string {
  return `${JSON.stringify(name.slice(0, NAME_LENGTH_MAX))} is not an IANA time zone; write one such as Europe/Vienna, or UTC`;
}
