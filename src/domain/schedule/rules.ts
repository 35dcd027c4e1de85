import { DomainError, type FieldViolation } from '../error.ts';
import { parseCron } from './cron.ts';
import { NOMINAL_MAX, nextNominal } from './occurrences.ts';
import type { Schedule } from './schedule.ts';
import { isTimeZone, notAZone } from './zone.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** The longest period of `every`. */
const EVERY_MAX_MS = 366 * DAY_MS;
const JITTER_MAX_MS = DAY_MS;
const CATCHUP_MAX_MS = 31 * DAY_MS;
/** The earliest time that a schedule can name: the beginning of the year 1, as in protobuf's Timestamp. */
const TIME_MIN = -62_135_596_800_000;

export interface ScheduleRules {
  readonly now: number;
  /** The shortest period of `every`. */
  readonly everyMinMs: number;
  /** The path of the schedule in the request, such as `webhook.schedule`. */
  readonly field: string;
}

/** The rules that a new schedule breaks. There are none if it is good and will fire. */
export function scheduleViolations(schedule: Schedule, rules: ScheduleRules): FieldViolation[] {
  const violations = [
    ...whenViolations(schedule, rules),
    ...windowViolations(schedule, rules),
    ...spanViolations(`${rules.field}.jitter`, schedule.jitterMs, 0, JITTER_MAX_MS),
    ...spanViolations(`${rules.field}.catchup_window`, schedule.catchupMs, 0, CATCHUP_MAX_MS),
    ...maxRunsViolations(schedule, rules),
  ];
  return violations.length > 0 ? violations : noRunViolations(schedule, rules);
}

function whenViolations({ when }: Schedule, { now, everyMinMs, field }: ScheduleRules): FieldViolation[] {
  switch (when.kind) {
    case 'every':
      return spanViolations(`${field}.every`, when.periodMs, everyMinMs, EVERY_MAX_MS);
    case 'cron': {
      const zone = isTimeZone(when.timeZone) ? [] : one(`${field}.time_zone`, notAZone(when.timeZone));
      return [...cronViolations(when.expression, `${field}.cron`, everyMinMs), ...zone];
    }
    case 'at': {
      const unknown = timeViolations(`${field}.at`, when.at);
      if (unknown.length > 0 || when.at > now) return unknown;
      return one(`${field}.at`, `lies in the past; it must be later than ${iso(now)}`);
    }
  }
}

function cronViolations(expression: string, field: string, everyMinMs: number): readonly FieldViolation[] {
  try {
    const parsed = parseCron(expression, field);
    return parsed.kind === 'every' ? spanViolations(field, parsed.periodMs, everyMinMs, EVERY_MAX_MS) : [];
  } catch (error) {
    if (error instanceof DomainError) return error.violations;
    throw error;
  }
}

function windowViolations({ startAt, endAt }: Schedule, { now, field }: ScheduleRules): FieldViolation[] {
  const unknown = [
    ...(startAt === undefined ? [] : timeViolations(`${field}.start_time`, startAt)),
    ...(endAt === undefined ? [] : timeViolations(`${field}.end_time`, endAt)),
  ];
  if (unknown.length > 0 || endAt === undefined) return unknown;
  if (startAt !== undefined && endAt <= startAt) return one(`${field}.end_time`, 'must be after start_time');
  if (endAt > now) return [];
  return one(
    `${field}.end_time`,
    `has passed, so the schedule is over before it begins; it must be later than ${iso(now)}`,
  );
}

function maxRunsViolations({ maxRuns }: Schedule, { field }: ScheduleRules): FieldViolation[] {
  if (maxRuns === undefined || (Number.isSafeInteger(maxRuns) && maxRuns >= 0)) return [];
  return one(`${field}.max_runs`, 'must be a whole number, 1 or more, or 0 for no bound');
}

/** Every field is good by itself, but the bounds or the DST policies may leave no run. */
function noRunViolations(schedule: Schedule, { now, field }: ScheduleRules): FieldViolation[] {
  const { when, startAt, endAt } = schedule;
  if (nextNominal(schedule, startAt ?? now, now) !== null) return [];
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
    when.kind === 'cron' && when.dstGap === 'SKIP'
      ? `never fires in ${when.timeZone}: its local times do not exist there, and dst_gap SKIP leaves them out`
      : 'never fires before the year 10000',
  );
}

function spanViolations(field: string, ms: number, minMs: number, maxMs: number): FieldViolation[] {
  if (Number.isInteger(ms) && ms >= minMs && ms <= maxMs) return [];
  return one(field, `must be from ${span(minMs)} to ${span(maxMs)}, in whole milliseconds`);
}

function timeViolations(field: string, time: number): FieldViolation[] {
  if (Number.isInteger(time) && time >= TIME_MIN && time <= NOMINAL_MAX) return [];
  return one(field, 'must be a time in the years 1 to 9999, in whole milliseconds');
}

function one(field: string, description: string): FieldViolation[] {
  return [{ field, description }];
}

function span(ms: number): string {
  if (ms >= DAY_MS && ms % DAY_MS === 0) return ms === DAY_MS ? '1 day' : `${ms / DAY_MS} days`;
  return ms % SECOND_MS === 0 ? `${ms / SECOND_MS} s` : `${ms} ms`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
