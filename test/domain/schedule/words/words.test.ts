import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Schedule } from '../../../../src/domain/schedule/schedule.ts';
import { localTime } from '../../../../src/domain/schedule/words/local-time.ts';
import { scheduleWords, zoneOf } from '../../../../src/domain/schedule/words/words.ts';
import {
  atSchedule,
  cronSchedule,
  cronsSchedule,
  DAY,
  everySchedule,
  exceptionsOf,
  HOUR,
  intervalSchedule,
  MINUTE,
  SECOND,
  utc,
} from '../../../support/schedule.ts';

/** A Saturday, the 31st. */
const ANCHOR = utc('2026-01-31T08:00Z');
const VIENNA = { timeZone: 'Europe/Vienna' };

const WORDS: readonly (readonly [words: string, schedule: Schedule])[] = [
  ['every 5 seconds', everySchedule(5 * SECOND)],
  ['every 1.5 seconds', everySchedule(1_500)],
  ['every 90 minutes', everySchedule(90 * MINUTE)],
  ['every hour', everySchedule(HOUR)],
  ['every 14 days', everySchedule(14 * DAY)],
  ['every 10 seconds', cronSchedule('@every 10s', VIENNA)],
  ['once, at 2026-12-24T18:00:00Z', atSchedule(utc('2026-12-24T18:00Z'))],
  ['at 09:00 on Monday to Friday (Europe/Vienna)', cronSchedule('0 9 * * 1-5', VIENNA)],
  [
    'at 09:00 on Monday; and at 10:00 on Saturday (UTC)',
    cronsSchedule(['0 9 * * MON', '0 10 * * SAT', '0 10 * * 6']),
  ],
  ['every day at 09:00 (UTC)', intervalSchedule({})],
  ['every 3 days at 09:00 and 17:30 (UTC)', intervalSchedule({ count: 3, times: ['17:30', '09:00'] })],
  ['every 2 weeks on Saturday at 09:00 (UTC)', intervalSchedule({ unit: 'WEEKS', count: 2 })],
  [
    'every week on Monday to Wednesday and Sunday at 09:00 (UTC)',
    intervalSchedule({ unit: 'WEEKS', weekdays: ['SUN', 'TUE', 'WED', 'MON'] }),
  ],
  [
    'every month on the 31st, or the last day of a shorter month, at 09:00 (UTC)',
    intervalSchedule({ unit: 'MONTHS' }),
  ],
  [
    'every 3 months on the 1st and 15th at 09:00 (UTC)',
    intervalSchedule({ unit: 'MONTHS', count: 3, daysOfMonth: [15, 1] }),
  ],
  [
    'every minute (UTC); except on 2026-12-24 and 2026-12-25, from 2026-02-01T00:00:00Z to 2026-02-02T00:00:00Z and every minute from 12:00 to 12:59',
    cronSchedule(
      '* * * * *',
      {},
      {
        exceptions: exceptionsOf({
          dates: ['2026-12-25', '2026-12-24'],
          spans: [{ startAt: utc('2026-02-01T00:00Z'), endAt: utc('2026-02-02T00:00Z') }],
          crons: ['* 12 * * *'],
        }),
      },
    ),
  ],
  [
    'every hour; except on 4 dates and in 4 spans of time (UTC)',
    everySchedule(HOUR, {
      exceptions: exceptionsOf({
        dates: ['2026-12-24', '2026-12-25', '2026-12-26', '2026-12-31'],
        spans: [1, 2, 3, 4].map((day) => ({ startAt: ANCHOR + day * DAY, endAt: ANCHOR + day * DAY + HOUR })),
      }),
    }),
  ],
  [
    'at 09:00 every day (Europe/Vienna); not before 2026-02-01T00:00:00+01:00; until 2026-07-01T00:00:00+02:00; 1 run at most',
    cronSchedule('0 9 * * *', VIENNA, {
      startAt: utc('2026-01-31T23:00Z'),
      endAt: utc('2026-06-30T22:00Z'),
      maxRuns: 1,
    }),
  ],
];

describe('The words of a schedule', () => {
  for (const [words, schedule] of WORDS) {
    it(`are ${words}`, () => {
      assert.equal(scheduleWords(schedule, ANCHOR), words);
    });
  }

  it('name the weekday and the day on which an interval begins to count, in its zone', () => {
    const late = utc('2026-01-31T12:00Z');
    const auckland = { timeZone: 'Pacific/Auckland' };
    assert.match(
      scheduleWords(intervalSchedule({ unit: 'WEEKS' }, auckland), late),
      /^every week on Sunday /,
    );
    assert.match(
      scheduleWords(intervalSchedule({ unit: 'MONTHS' }, auckland), late),
      /^every month on the 1st /,
    );
    const startAt = utc('2026-01-30T12:00Z');
    assert.match(scheduleWords(intervalSchedule({ unit: 'WEEKS' }, {}, { startAt }), late), /on Friday at/);
  });
});

describe('The zone of a schedule', () => {
  it('is that of its clock or of its exceptions, and none for a period or a single run', () => {
    assert.equal(zoneOf(cronSchedule('* * * * *', VIENNA)), 'Europe/Vienna');
    assert.equal(zoneOf(everySchedule(HOUR, { exceptions: exceptionsOf(VIENNA) })), 'Europe/Vienna');
    assert.equal(zoneOf(everySchedule(HOUR)), undefined);
    assert.equal(zoneOf(atSchedule(ANCHOR)), undefined);
  });
});

describe('A local time', () => {
  it('is what the clocks of its zone show, with their offset', () => {
    for (const [zone, instant, text] of [
      ['UTC', '2026-01-31T08:00:00Z', '2026-01-31T08:00:00Z'],
      ['Europe/London', '2026-01-31T08:00:00Z', '2026-01-31T08:00:00+00:00'],
      ['Europe/Vienna', '2026-03-29T00:59:59.500Z', '2026-03-29T01:59:59.500+01:00'],
      ['Europe/Vienna', '2026-03-29T01:00:00Z', '2026-03-29T03:00:00+02:00'],
      ['America/St_Johns', '2026-01-31T08:00:00Z', '2026-01-31T04:30:00-03:30'],
      ['Europe/Vienna', '1880-01-01T00:00:00Z', '1880-01-01T01:05:21+01:05:21'],
    ] as const) {
      assert.equal(localTime(zone, utc(instant)), text);
    }
  });
});
