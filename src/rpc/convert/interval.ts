import { create } from '@bufbuild/protobuf';
import {
  type Exceptions as ExceptionsMessage,
  ExceptionsSchema,
  type Interval as IntervalMessage,
  IntervalSchema,
  type Schedule as ScheduleMessage,
  type TimeSpan,
  TimeSpanSchema,
  Weekday as WeekdayNumber,
} from '../../../gen/carillon/v1/schedule_pb.ts';
import type { Problems } from '../../domain/problems.ts';
import type { Exceptions, Interval, Span } from '../../domain/schedule/schedule.ts';
import { enumPair } from './enum-pair.ts';
import { fromTimestamp, toTimestamp } from './time.ts';

/** Undefined, and noted, when it does not say how far apart. */
export function intervalFrom(message: IntervalMessage, problems: Problems): Interval | undefined {
  const { unit, times, daysOfMonth } = message;
  if (unit.case === undefined) {
    problems.add('interval.unit', 'must say how far apart: give days, weeks or months');
    return undefined;
  }
  return {
    unit: UNITS[unit.case],
    count: unit.value,
    times,
    weekdays: message.weekdays.flatMap((number) => WEEKDAY.toDomain(number) ?? []),
    daysOfMonth,
  };
}

export function intervalTo({ unit, count, times, weekdays, daysOfMonth }: Interval): IntervalMessage {
  return create(IntervalSchema, {
    unit: { case: UNIT_FIELDS[unit], value: count },
    times: [...times],
    weekdays: weekdays.map((weekday) => WEEKDAY.toProto(weekday)),
    daysOfMonth: [...daysOfMonth],
  });
}

/** Those of a schedule that has some. The zone is kept for what has no other use for it. */
export function exceptionsFrom(
  { exceptions, timeZone, when }: ScheduleMessage,
  problems: Problems,
): Partial<Exceptions> {
  const { dates = [], spans = [], crons = [] } = exceptions ?? {};
  return {
    ...(when.case === 'every' && timeZone !== '' && { timeZone }),
    dates,
    spans: spans.map((span, i) => spanFrom(span, problems.under(`exceptions.spans[${i}]`))),
    crons,
  };
}

export function exceptionsTo({ dates = [], spans = [], crons = [] }: Partial<Exceptions>): ExceptionsMessage {
  return create(ExceptionsSchema, { dates: [...dates], spans: spans.map(spanTo), crons: [...crons] });
}

function spanFrom({ startTime, endTime }: TimeSpan, problems: Problems): Span {
  return {
    startAt: startTime === undefined ? 0 : fromTimestamp(startTime, 'start_time', problems),
    endAt: endTime === undefined ? 0 : fromTimestamp(endTime, 'end_time', problems),
  };
}

function spanTo({ startAt, endAt }: Span): TimeSpan {
  return create(TimeSpanSchema, { startTime: toTimestamp(startAt), endTime: toTimestamp(endAt) });
}

const UNITS = { days: 'DAYS', weeks: 'WEEKS', months: 'MONTHS' } as const;
const UNIT_FIELDS = { DAYS: 'days', WEEKS: 'weeks', MONTHS: 'months' } as const;

const WEEKDAY = enumPair({
  MON: WeekdayNumber.MON,
  TUE: WeekdayNumber.TUE,
  WED: WeekdayNumber.WED,
  THU: WeekdayNumber.THU,
  FRI: WeekdayNumber.FRI,
  SAT: WeekdayNumber.SAT,
  SUN: WeekdayNumber.SUN,
});
