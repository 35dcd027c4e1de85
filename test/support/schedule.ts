/** Builders of schedules and of the times they are tried at. */
import fc from 'fast-check';
import { DomainError } from '../../src/domain/error.ts';
import { parseCron } from '../../src/domain/schedule/cron.ts';
import type { Exceptions, Interval, Schedule, When } from '../../src/domain/schedule/schedule.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A schedule with the designed defaults, ringing every minute. */
export function aSchedule(overrides: Partial<Schedule> = {}): Schedule {
  return {
    when: { kind: 'every', periodMs: MINUTE },
    jitterMs: 0,
    misfire: 'FIRE_LATEST',
    catchupMs: HOUR,
    overlap: 'SUPERSEDE',
    ...overrides,
  };
}

export function everySchedule(periodMs: number, overrides: Partial<Schedule> = {}): Schedule {
  return aSchedule({ when: { kind: 'every', periodMs }, ...overrides });
}

export function atSchedule(at: number, overrides: Partial<Schedule> = {}): Schedule {
  return aSchedule({ when: { kind: 'at', at }, ...overrides });
}

type CronWhen = Extract<When, { kind: 'cron' }>;

/** In UTC, shifting out of gaps, and firing at the first of two. */
export function cronSchedule(
  expression: string,
  when: Partial<CronWhen> = {},
  overrides: Partial<Schedule> = {},
): Schedule {
  return aSchedule({
    when: { kind: 'cron', expression, timeZone: 'UTC', dstGap: 'SHIFT', dstOverlap: 'FIRST', ...when },
    ...overrides,
  });
}

type InZone = Pick<CronWhen, 'timeZone' | 'dstGap' | 'dstOverlap'>;

const IN_UTC: InZone = { timeZone: 'UTC', dstGap: 'SHIFT', dstOverlap: 'FIRST' };

/** The same of several expressions. */
export function cronsSchedule(
  expressions: readonly string[],
  when: Partial<InZone> = {},
  overrides: Partial<Schedule> = {},
): Schedule {
  return aSchedule({ when: { kind: 'crons', expressions, ...IN_UTC, ...when }, ...overrides });
}

/** Every day at nine, unless told otherwise. */
export function intervalSchedule(
  interval: Partial<Interval>,
  when: Partial<InZone> = {},
  overrides: Partial<Schedule> = {},
): Schedule {
  const daily: Interval = { unit: 'DAYS', count: 1, times: ['09:00'], weekdays: [], daysOfMonth: [] };
  return aSchedule({
    when: { kind: 'interval', interval: { ...daily, ...interval }, ...IN_UTC, ...when },
    ...overrides,
  });
}

/** Nothing, in UTC, unless told otherwise. */
export function exceptionsOf(overrides: Partial<Exceptions>): Exceptions {
  return { timeZone: 'UTC', dates: [], spans: [], crons: [], ...overrides };
}

/** `2024-03-10T07:30Z` in milliseconds. */
export function utc(text: string): number {
  return Date.parse(text);
}

/** The other way round, to the minute where that is exact. */
export function show(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString().replace(/(:00)?\.000Z$/, 'Z');
}

/** A field of a cron expression: `*`, steps, ranges and lists over [min, max]. */
export function cronField(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: Math.max(2, Math.floor((max - min) / 2)) });
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant('*') },
    { weight: 4, arbitrary: value.map(String) },
    { weight: 2, arbitrary: range },
    { weight: 2, arbitrary: step.map((n) => `*/${n}`) },
    { weight: 1, arbitrary: fc.tuple(range, step).map(([r, n]) => `${r}/${n}`) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.oneof(value.map(String), range), { minLength: 2, maxLength: 4 })
        .map((l) => l.join(',')),
    },
  );
}

/** A field for days of the month, with everything that only it can have. */
export const cronDayOfMonth = fc.oneof(
  { weight: 4, arbitrary: cronField(1, 31) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 31 }).map((day) => `${day}W`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('L', '1,L', 'LW', 'lw', '1W,15W', '30W,31W', '29w', 'LW,L', '7,14W,20-22'),
  },
);

export const cronMonth = fc.oneof(
  { weight: 4, arbitrary: cronField(1, 12) },
  { weight: 1, arbitrary: fc.constantFrom('FEB', 'jan-Apr', 'MAR-DEC/3', 'feb,JUN,SEP', '2-JUL') },
);

/** A field for days of the week, with everything that only it can have. */
export const cronDayOfWeek = fc.oneof(
  { weight: 4, arbitrary: cronField(0, 7) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('MON-FRI', 'fri-SUN', 'sun', 'SUN-SUN', 'MON-SAT/2', '0-7', 'THU-7', '7'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('5L', '5#3', '1#1,3#5', '0L,2', 'MON#1', 'friL', 'SUN#5', '7L', 'TUE,WED#2'),
  },
);

/** Expressions of five fields; those that never fire are among them. */
export const cronFive: fc.Arbitrary<string> = fc
  .tuple(cronField(0, 59), cronField(0, 23), cronDayOfMonth, cronMonth, cronDayOfWeek)
  .map((fields) => fields.join(' '));

/** The same with a second before them, half of the time. */
export const cronExpression: fc.Arbitrary<string> = fc.oneof(
  cronFive,
  fc.tuple(cronField(0, 59), cronFive).map((fields) => fields.join(' ')),
);

/** Whether an expression is accepted; one that never fires is not. */
export function isReadable(expression: string): boolean {
  try {
    parseCron(expression);
    return true;
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}

/** Zones that have changed their clocks in most ways there are, by how much, and when. */
export const changes = [
  { zone: 'America/New_York', at: utc('2024-03-10T07:00Z'), byMs: HOUR },
  { zone: 'America/New_York', at: utc('2024-11-03T06:00Z'), byMs: -HOUR },
  { zone: 'Australia/Lord_Howe', at: utc('2024-10-05T15:30Z'), byMs: 30 * MINUTE },
  { zone: 'Australia/Lord_Howe', at: utc('2024-04-06T15:00Z'), byMs: -30 * MINUTE },
  { zone: 'Africa/Cairo', at: utc('2024-04-25T22:00Z'), byMs: HOUR },
  { zone: 'Africa/Cairo', at: utc('2024-10-31T21:00Z'), byMs: -HOUR },
  { zone: 'Africa/Casablanca', at: utc('2024-03-10T02:00Z'), byMs: -HOUR },
  { zone: 'Africa/Casablanca', at: utc('2024-04-14T02:00Z'), byMs: HOUR },
  { zone: 'Europe/Dublin', at: utc('2024-03-31T01:00Z'), byMs: HOUR },
  { zone: 'Europe/Dublin', at: utc('2024-10-27T01:00Z'), byMs: -HOUR },
  { zone: 'Antarctica/Troll', at: utc('2024-03-31T01:00Z'), byMs: 2 * HOUR },
  { zone: 'Antarctica/Troll', at: utc('2024-10-27T01:00Z'), byMs: -2 * HOUR },
  { zone: 'Pacific/Apia', at: utc('2011-12-30T10:00Z'), byMs: DAY },
  { zone: 'Pacific/Kwajalein', at: utc('1969-09-30T13:00Z'), byMs: -23 * HOUR },
] as const;
