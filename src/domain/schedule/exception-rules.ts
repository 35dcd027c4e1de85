import type { FieldViolation } from '../error.ts';
import { violationsOf } from '../problems.ts';
import { quote } from '../text.ts';
import { DAY_MS } from './calendar/days.ts';
import { parseCoveredMinutes } from './cron.ts';
import { dayOf } from './runs/left-out.ts';
import type { Exceptions, Span } from './schedule.ts';
import { listViolations, one, timeViolations } from './violation.ts';

const DATES_MAX = 366;
const SPANS_MAX = 64;
const CRONS_MAX = 16;

/** The rules that exceptions at `field` break. One that never covers anything breaks none. */
export function exceptionViolations({ dates, spans, crons }: Exceptions, field: string): FieldViolation[] {
  return [
    ...listViolations(`${field}.dates`, dates, { max: DATES_MAX }, dateViolations),
    ...listViolations(`${field}.spans`, spans, { max: SPANS_MAX }, spanViolations),
    ...listViolations(`${field}.crons`, crons, { max: CRONS_MAX }, (expression, path) =>
      violationsOf(() => void parseCoveredMinutes(expression, path)),
    ),
  ];
}

function dateViolations(date: string, field: string): FieldViolation[] {
  const day = dayOf(date);
  // 30 February can be parsed, as a day in March.
  const isDay = !Number.isNaN(day) && new Date(day * DAY_MS).toISOString().startsWith(date);
  return isDay ? [] : one(field, `${quote(date)} is no date; write one such as 2026-12-24`);
}

function spanViolations({ startAt, endAt }: Span, field: string): FieldViolation[] {
  const unknown = [
    ...timeViolations(`${field}.start_time`, startAt),
    ...timeViolations(`${field}.end_time`, endAt),
  ];
  if (unknown.length > 0 || endAt > startAt) return unknown;
  return one(`${field}.end_time`, 'must be after start_time');
}
