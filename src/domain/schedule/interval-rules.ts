import type { FieldViolation } from '../error.ts';
import { quote } from '../text.ts';
import { type Interval, WEEKDAYS } from './schedule.ts';
import { listViolations, one } from './violation.ts';

const COUNT_MAX = { DAYS: 366, WEEKS: 52, MONTHS: 120 } as const;
const TIMES_MAX = 24;
const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/;

/** The rules that an interval at `field` breaks. */
export function intervalViolations(interval: Interval, field: string): FieldViolation[] {
  const { times, weekdays, daysOfMonth } = interval;
  return [
    ...countViolations(interval, field),
    ...listViolations(`${field}.times`, times, { min: 1, max: TIMES_MAX }, timeViolations),
    ...placeViolations(interval, field),
    ...listViolations(`${field}.weekdays`, weekdays, { max: WEEKDAYS.length }, weekdayViolations),
    ...listViolations(`${field}.days_of_month`, daysOfMonth, { max: 31 }, dayViolations),
  ];
}

function countViolations({ unit, count }: Interval, field: string): FieldViolation[] {
  const most = COUNT_MAX[unit];
  if (Number.isInteger(count) && count >= 1 && count <= most) return [];
  return one(`${field}.${unit.toLowerCase()}`, `must be a whole number from 1 to ${most}`);
}

function placeViolations({ unit, weekdays, daysOfMonth }: Interval, field: string): FieldViolation[] {
  const what = `an interval of ${unit.toLowerCase()}`;
  return [
    ...(weekdays.length > 0 && unit !== 'WEEKS'
      ? one(`${field}.weekdays`, `say nothing of ${what}; they go with weeks`)
      : []),
    ...(daysOfMonth.length > 0 && unit !== 'MONTHS'
      ? one(`${field}.days_of_month`, `say nothing of ${what}; they go with months`)
      : []),
  ];
}

function timeViolations(time: string, field: string): FieldViolation[] {
  if (TIME_OF_DAY.test(time)) return [];
  return one(field, `${quote(time)} is no time of day; write one such as 09:00 or 23:59:30`);
}

function weekdayViolations(weekday: string, field: string): FieldViolation[] {
  if (WEEKDAYS.some((each) => each === weekday)) return [];
  return one(field, `${quote(weekday)} is no day of the week; write one of ${WEEKDAYS.join(', ')}`);
}

function dayViolations(day: number, field: string): FieldViolation[] {
  return Number.isInteger(day) && day >= 1 && day <= 31 ? [] : one(field, 'must be from 1 to 31');
}
