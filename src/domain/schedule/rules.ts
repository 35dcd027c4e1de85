import type { FieldViolation } from '../error.ts';
import { violationsOf } from '../problems.ts';
import { toRfc3339 } from '../rfc3339.ts';
import { parseCron } from './cron.ts';
import { exceptionViolations } from './exception-rules.ts';
import { intervalViolations } from './interval-rules.ts';
import { nextNominal } from './occurrences.ts';
import type { Schedule } from './schedule.ts';
import { smallestGapMs } from './smallest-gap.ts';
import { listViolations, one, timeViolations } from './violation.ts';
import { isTimeZone, notAZone } from './zone.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** The longest period of `every`. */
const EVERY_MAX_MS = 366 * DAY_MS;
const JITTER_MAX_MS = DAY_MS;
const CATCHUP_MAX_MS = 31 * DAY_MS;
/** Cron expressions of one schedule. */
const CRONS_MAX = 16;

export interface ScheduleRules {
  readonly now: number;
  /** The shortest period of `every`, and the least time between two runs of anything else. */
  readonly everyMinMs: number;
  /** The path of the schedule in the request, such as `webhook.schedule`. */
  readonly field: string;
  /** The schedule that this one replaces, and rings like: what of it has passed meanwhile is not held against it. */
  readonly replaced?: Schedule;
}

/** The rules that a new schedule breaks. There are none if it is good and will fire. */
export function scheduleViolations(schedule: Schedule, rules: ScheduleRules): FieldViolation[] {
  const violations = [
    ...whenViolations(schedule, rules),
    ...zoneViolations(schedule, rules),
    ...(schedule.exceptions ? exceptionViolations(schedule.exceptions, `${rules.field}.exceptions`) : []),
    ...windowViolations(schedule, rules),
    ...spanViolations(`${rules.field}.jitter`, schedule.jitterMs, 0, JITTER_MAX_MS),
    ...spanViolations(`${rules.field}.catchup_window`, schedule.catchupMs, 0, CATCHUP_MAX_MS),
    ...maxRunsViolations(schedule, rules),
  ];
  if (violations.length > 0) return violations;
  const tooClose = gapViolations(schedule, rules);
  // What has passed was let through as it was: nobody wants runs of it.
  return tooClose.length > 0 || isOver(schedule, rules.now) ? tooClose : noRunViolations(schedule, rules);
}

function isOver({ when, endAt }: Schedule, now: number): boolean {
  return (when.kind === 'at' && when.at <= now) || (endAt !== undefined && endAt <= now);
}

function whenViolations(schedule: Schedule, rules: ScheduleRules): FieldViolation[] {
  const { when, exceptions } = schedule;
  const { now, everyMinMs, field, replaced } = rules;
  switch (when.kind) {
    case 'every':
      return spanViolations(`${field}.every`, when.periodMs, everyMinMs, EVERY_MAX_MS);
    case 'cron':
      return cronViolations(when.expression, `${field}.cron`, everyMinMs);
    case 'crons':
      return listViolations(
        `${field}.crons.expressions`,
        when.expressions,
        { min: 1, max: CRONS_MAX },
        oneOfCronsViolations,
      );
    case 'interval':
      return intervalViolations(when.interval, `${field}.interval`);
    case 'at': {
      if (exceptions !== undefined) return one(`${field}.exceptions`, 'make no sense for a single run');
      const unknown = timeViolations(`${field}.at`, when.at);
      const before = replaced?.when;
      if (unknown.length > 0 || when.at > now) return unknown;
      if (before?.kind === 'at' && before.at === when.at) return [];
      return one(`${field}.at`, `lies in the past; it must be later than ${toRfc3339(now)}`);
    }
    default:
      return when satisfies never;
  }
}

function cronViolations(expression: string, field: string, everyMinMs: number): FieldViolation[] {
  let periodMs = everyMinMs;
  const violations = violationsOf(() => {
    const parsed = parseCron(expression, field);
    if (parsed.kind === 'every') periodMs = parsed.periodMs;
  });
  return [...violations, ...spanViolations(field, periodMs, everyMinMs, EVERY_MAX_MS)];
}

function oneOfCronsViolations(expression: string, field: string): FieldViolation[] {
  let isPeriod = false;
  const violations = violationsOf(() => {
    isPeriod = parseCron(expression, field).kind === 'every';
  });
  return isPeriod
    ? one(field, '@every is a period, which cannot be one of several expressions')
    : [...violations];
}

function zoneViolations({ when, exceptions }: Schedule, { field }: ScheduleRules): FieldViolation[] {
  const zone = 'timeZone' in when ? when.timeZone : exceptions?.timeZone;
  return zone === undefined || isTimeZone(zone) ? [] : one(`${field}.time_zone`, notAZone(zone));
}

function windowViolations(
  { startAt, endAt }: Schedule,
  { now, field, replaced }: ScheduleRules,
): FieldViolation[] {
  const unknown = [
    ...(startAt === undefined ? [] : timeViolations(`${field}.start_time`, startAt)),
    ...(endAt === undefined ? [] : timeViolations(`${field}.end_time`, endAt)),
  ];
  if (unknown.length > 0 || endAt === undefined) return unknown;
  if (startAt !== undefined && endAt <= startAt) return one(`${field}.end_time`, 'must be after start_time');
  if (endAt > now || endAt === replaced?.endAt) return [];
  return one(
    `${field}.end_time`,
    `has passed, so the schedule is over before it begins; it must be later than ${toRfc3339(now)}`,
  );
}

function maxRunsViolations({ maxRuns }: Schedule, { field }: ScheduleRules): FieldViolation[] {
  if (maxRuns === undefined || (Number.isSafeInteger(maxRuns) && maxRuns >= 0)) return [];
  return one(`${field}.max_runs`, 'must be a whole number, 1 or more, or 0 for no bound');
}

/** What rings by the clock is bound like a period. Nothing of it comes closer than a second. */
function gapViolations(schedule: Schedule, { now, everyMinMs, field }: ScheduleRules): FieldViolation[] {
  if (everyMinMs <= SECOND_MS) return [];
  const gapMs = smallestGapMs(schedule, now);
  if (gapMs >= everyMinMs) return [];
  return one(
    `${field}.${schedule.when.kind}`,
    `has runs ${span(gapMs)} apart; this server allows no less than ${span(everyMinMs)}`,
  );
}

/** Every field is good by itself, but the bounds or the DST policies may leave no run. */
function noRunViolations(schedule: Schedule, { now, field }: ScheduleRules): FieldViolation[] {
  const { when, startAt, endAt } = schedule;
  if (rings(schedule, now)) return [];
  if (schedule.exceptions !== undefined && rings(withoutExceptions(schedule), now)) {
    const until = endAt === undefined ? '' : ' before end_time';
    return one(`${field}.exceptions`, `leave no run: they cover every one${until}`);
  }
  const bounds = startAt === undefined ? 'before end_time' : 'between start_time and end_time';
  // `at` can only miss the bounds. A good cron expression without bounds has no run only if SKIP leaves
  // out every one.
  if (when.kind === 'at')
    return one(
      `${field}.at`,
      `must lie ${startAt !== undefined && when.at < startAt ? 'at start_time or later' : bounds}`,
    );
  if (endAt !== undefined) return one(`${field}.end_time`, `leaves no run: none falls ${bounds}`);
  return one(
    `${field}.${when.kind}`,
    'timeZone' in when && when.dstGap === 'SKIP'
      ? `never fires in ${when.timeZone}: its local times do not exist there, and dst_gap SKIP leaves them out`
      : 'never fires before the year 10000',
  );
}

function rings(schedule: Schedule, now: number): boolean {
  return nextNominal(schedule, schedule.startAt ?? now, now) !== null;
}

function withoutExceptions({ exceptions: _, ...schedule }: Schedule): Schedule {
  return schedule;
}

function spanViolations(field: string, ms: number, minMs: number, maxMs: number): FieldViolation[] {
  if (Number.isInteger(ms) && ms >= minMs && ms <= maxMs) return [];
  return one(field, `must be from ${span(minMs)} to ${span(maxMs)}, in whole milliseconds`);
}

function span(ms: number): string {
  if (ms >= DAY_MS && ms % DAY_MS === 0) return ms === DAY_MS ? '1 day' : `${ms / DAY_MS} days`;
  return ms % SECOND_MS === 0 ? `${ms / SECOND_MS} s` : `${ms} ms`;
}
