import { parseCron } from './cron.ts';
import { compoundRuns } from './runs/compound.ts';
import type { Runs } from './runs/runs.ts';
import { countRuns, firstRun, lastRun, type ZonedRule } from './runs/zoned-runs.ts';
import type { Schedule, When } from './schedule.ts';

/**
 * The nominal times of a schedule: an ascending series without repetitions, which depends on the
 * schedule, its anchor and the time zone rules alone. For `every` it is start + n·period from n = 0,
 * or, without a start, anchor + n·period from n = 1. All arguments and results are milliseconds since
 * the epoch. Jitter, misfires and `maxRuns` play no part here: see `run-plan.ts`.
 *
 * Every function throws INVALID for an expression or a zone that `scheduleViolations` would refuse.
 */

/** No run comes later: the end of the year 9999, where protobuf's Timestamp ends. */
export const NOMINAL_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The first nominal time after `after`; null when there is none. */
export function nextNominal(schedule: Schedule, anchorAt: number, after: number): number | null {
  const series = seriesOf(schedule, anchorAt);
  const from = Math.max(after + 1, series.from);
  if (from >= series.to) return null;
  switch (series.kind) {
    case 'once':
      return series.from >= from ? series.from : null;
    case 'period': {
      const past = (from - series.from) % series.periodMs;
      const first = past === 0 ? from : from - past + series.periodMs;
      return first < series.to ? first : null;
    }
    case 'cron':
      return firstRun(series.rule, from, series.to);
    case 'compound':
      return series.runs.first(from, series.to);
  }
}

/** The last nominal time at `until` or before; null when there is none. */
export function latestNominal(schedule: Schedule, anchorAt: number, until: number): number | null {
  const series = seriesOf(schedule, anchorAt);
  const to = Math.min(until + 1, series.to);
  if (to <= series.from) return null;
  switch (series.kind) {
    case 'once':
      return series.from;
    case 'period':
      return to - 1 - ((to - 1 - series.from) % series.periodMs);
    case 'cron':
      return lastRun(series.rule, series.from, to);
    case 'compound':
      return series.runs.last(series.from, to);
  }
}

/**
 * How many nominal times there are in (after, until]. It costs about the same for an hour and for a
 * year; for cron it is exact up to ten years, and a close estimate beyond.
 */
export function countNominals(schedule: Schedule, anchorAt: number, after: number, until: number): number {
  const series = seriesOf(schedule, anchorAt);
  const from = Math.max(after + 1, series.from);
  const to = Math.min(until + 1, series.to);
  if (from >= to) return 0;
  switch (series.kind) {
    case 'once':
      return series.from >= from ? 1 : 0;
    case 'period': {
      const before = Math.ceil((from - series.from) / series.periodMs);
      return Math.ceil((to - series.from) / series.periodMs) - before;
    }
    case 'cron':
      return countRuns(series.rule, from, to);
    case 'compound':
      return series.runs.count(from, to);
  }
}

/** The first `count` nominal times after `after`, fewer where they end. For previews. */
export function nominalTimes(schedule: Schedule, anchorAt: number, after: number, count: number): number[] {
  const times: number[] = [];
  let next = count > 0 ? nextNominal(schedule, anchorAt, after) : null;
  while (next !== null) {
    times.push(next);
    next = times.length < count ? nextNominal(schedule, anchorAt, next) : null;
  }
  return times;
}

/** What a schedule is reduced to. Its nominal times are in [from, to). */
type Series =
  | { readonly kind: 'once'; readonly from: number; readonly to: number }
  | { readonly kind: 'period'; readonly from: number; readonly to: number; readonly periodMs: number }
  | { readonly kind: 'cron'; readonly from: number; readonly to: number; readonly rule: ZonedRule }
  | { readonly kind: 'compound'; readonly from: number; readonly to: number; readonly runs: Runs };

function seriesOf(schedule: Schedule, anchorAt: number): Series {
  const { when, startAt } = schedule;
  const to = Math.min(schedule.endAt ?? Number.POSITIVE_INFINITY, NOMINAL_MAX + 1);
  if (when.kind !== 'at' && schedule.exceptions !== undefined) return compound(schedule, anchorAt, to);
  switch (when.kind) {
    case 'at':
      return { kind: 'once', from: when.at, to: startAt !== undefined && when.at < startAt ? when.at : to };
    case 'crons':
    case 'interval':
      return compound(schedule, anchorAt, to);
    case 'every':
      return { kind: 'period', from: startAt ?? anchorAt + when.periodMs, to, periodMs: when.periodMs };
    case 'cron':
      return cronSeries(when, startAt, anchorAt, to);
  }
}

function compound(schedule: Schedule, anchorAt: number, to: number): Series {
  const from = schedule.startAt ?? Number.NEGATIVE_INFINITY;
  return { kind: 'compound', from, to, runs: compoundRuns(schedule, anchorAt) };
}

function cronSeries(
  when: Extract<When, { kind: 'cron' }>,
  startAt: number | undefined,
  anchorAt: number,
  to: number,
): Series {
  const expression = parseCron(when.expression);
  if (expression.kind === 'every') {
    const { periodMs } = expression;
    return { kind: 'period', from: startAt ?? anchorAt + periodMs, to, periodMs };
  }
  const { calendar, everyHour } = expression;
  const rule: ZonedRule = {
    zone: when.timeZone,
    calendar,
    // As in cron(8) of Vixie's cron, jobs that run every hour follow the clock as it shows, through both
    // passes of a repeated hour. Only the others are shifted out of a gap or kept from running twice.
    again: when.dstOverlap === 'BOTH' || everyHour ? calendar : null,
    lost: when.dstGap === 'SHIFT' && !everyHour ? calendar : null,
  };
  return { kind: 'cron', from: startAt ?? Number.NEGATIVE_INFINITY, to, rule };
}
