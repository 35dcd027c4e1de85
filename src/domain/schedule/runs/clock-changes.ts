import { DAY_MS } from '../calendar/days.ts';
import { unionCalendar } from '../calendar/union.ts';
import type { DstGapPolicy, DstOverlapPolicy, Schedule, Span } from '../schedule.ts';
import { OFFSET_MAX_MS, type Stretch, stretchAt } from '../zone.ts';
import { type LeftOut, leftOutBy } from './left-out.ts';
import { type Part, rungBy } from './parts.ts';

/** How far ahead changes are looked for. */
const SEARCH_MS = 3_660 * DAY_MS;
const HOUR_MS = 3_600_000;

/**
 * What a change of the clocks does with a local time of the schedule that it leaves out, or repeats: the run
 * is later by the length of the gap, or there is none; it fires at the first of the two, or at both.
 */
export type ClockEffect = 'SHIFTED' | 'LEFT_OUT' | 'ONCE' | 'TWICE';

/** A change of the clocks that touches a schedule. */
export interface ClockChange {
  readonly at: number;
  readonly zone: string;
  readonly beforeMs: number;
  readonly offsetMs: number;
  /** What it does, and with how many local times, of which `wall` is the first. */
  readonly effects: ReadonlyMap<ClockEffect, { readonly count: number; readonly wall: number }>;
}

/**
 * The first `count` changes in [from, to), and within ten years, that touch a schedule. One that matches every
 * hour rings on through a change by whole hours as if there were none, and is not touched.
 */
export function clockChanges(
  schedule: Schedule,
  anchorAt: number,
  { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
): ClockChange[] {
  const by = rungBy(schedule, anchorAt);
  if (by?.kind !== 'clock') return [];
  const { timeZone: zone } = by.zone;
  const { exceptions } = schedule;
  const rule: Rule = {
    ...by.zone,
    parts: by.parts,
    leftOut: exceptions && leftOutBy(exceptions),
    spans: exceptions?.spans ?? [],
  };
  const all = nextOf(by.parts);
  const others = nextOf(by.parts.filter(({ everyHour }) => !everyHour));
  const until = Math.min(to, from + SEARCH_MS);
  const found: ClockChange[] = [];
  for (let at = from; at < until && found.length < count; ) {
    const stretch = stretchAt(zone, at);
    const { start, end, changedAt, beforeMs, offsetMs } = stretch;
    if (changedAt === start && start >= from) {
      const effects = effectsOf(rule, stretch, (offsetMs - beforeMs) % HOUR_MS === 0 ? others : all);
      if (effects.size > 0) found.push({ at: start, zone, beforeMs, offsetMs, effects });
    }
    // No local time is more than the largest offset away from its instant: skip changes that touch none.
    const wall = all(end - OFFSET_MAX_MS);
    if (wall === null) break;
    at = Math.max(end, wall - OFFSET_MAX_MS);
  }
  return found;
}

type Next = (wall: number) => number | null;

function nextOf(parts: readonly Part[]): Next {
  return unionCalendar(parts.map(({ calendar }) => calendar)).next;
}

interface Rule {
  readonly dstGap: DstGapPolicy;
  readonly dstOverlap: DstOverlapPolicy;
  readonly parts: readonly Part[];
  readonly leftOut: LeftOut | undefined;
  readonly spans: readonly Span[];
}

/** Of the local times that `next` finds; where the clocks are changed by whole hours, hourly ones ring on. */
function effectsOf(rule: Rule, stretch: Stretch, next: Next) {
  const { changedAt, beforeMs, offsetMs } = stretch;
  const [first, end] = [beforeMs, offsetMs].sort((a, b) => a - b).map((offset) => changedAt + offset);
  const effects = new Map<ClockEffect, { count: number; wall: number }>();
  for (let wall = next(first!); wall !== null && wall < end!; wall = next(wall + 1)) {
    const effect =
      offsetMs > beforeMs ? effectOfGap(rule, stretch, wall) : effectOfOverlap(rule, stretch, wall);
    if (effect === undefined) continue;
    const known = effects.get(effect);
    effects.set(effect, { count: (known?.count ?? 0) + 1, wall: known?.wall ?? wall });
  }
  return effects;
}

function effectOfGap(rule: Rule, stretch: Stretch, wall: number): ClockEffect | undefined {
  const { beforeMs, offsetMs } = stretch;
  const { isOther } = kindsOf(rule, wall);
  const inSpan = isInSpan(rule, wall - beforeMs);
  const rings = !inSpan && !rule.leftOut?.covers(wall);
  // What is left out is judged by what the clock shows when a run rings, which is after the gap.
  if (isOther && rule.dstGap === 'SHIFT') {
    if (!inSpan && !rule.leftOut?.covers(wall + offsetMs - beforeMs)) return 'SHIFTED';
    return rings ? 'LEFT_OUT' : undefined;
  }
  return rings ? 'LEFT_OUT' : undefined;
}

function effectOfOverlap(rule: Rule, { beforeMs, offsetMs }: Stretch, wall: number): ClockEffect | undefined {
  const { isHourly } = kindsOf(rule, wall);
  if (rule.leftOut?.covers(wall) || isInSpan(rule, wall - beforeMs)) return undefined;
  if (isHourly) return (beforeMs - offsetMs) % HOUR_MS === 0 ? undefined : 'TWICE';
  return rule.dstOverlap === 'BOTH' ? 'TWICE' : 'ONCE';
}

/** Whether parts that match every hour name the wall time, and whether others do. */
function kindsOf({ parts }: Rule, wall: number): { isHourly: boolean; isOther: boolean } {
  const there = parts.filter(({ calendar }) => calendar.next(wall) === wall);
  return {
    isHourly: there.some(({ everyHour }) => everyHour),
    isOther: there.some(({ everyHour }) => !everyHour),
  };
}

function isInSpan({ spans }: Rule, instant: number): boolean {
  return spans.some(({ startAt, endAt }) => startAt <= instant && instant < endAt);
}
