import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCronFields } from '../../../src/domain/schedule/cron.ts';
import { scheduleViolations } from '../../../src/domain/schedule/rules.ts';
import type { Schedule } from '../../../src/domain/schedule/schedule.ts';
import { smallestGapMs } from '../../../src/domain/schedule/smallest-gap.ts';
import {
  cronSchedule,
  cronsSchedule,
  DAY,
  everySchedule,
  HOUR,
  intervalSchedule,
  MINUTE,
  SECOND,
  utc,
} from '../../support/schedule.ts';

const NOW = utc('2026-01-01T00:00Z');

describe('a range of weekdays', () => {
  it('from Sunday to Sunday is that one day, and no day of the week', () => {
    const weekdays = (range: string) =>
      parseCronFields(`0 0 * * ${range}`).weekdays.flatMap((set, i) => (set ? i : []));
    for (const range of ['SUN-SUN', '0-SUN', '7-SUN', 'SUN-0', 'sun-sun'])
      assert.deepEqual(weekdays(range), [0]);
    assert.deepEqual(weekdays('SAT-SUN'), [0, 6]);
    assert.deepEqual(weekdays('0-7'), [0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('the least time between two runs', () => {
  const GAPS: readonly (readonly [schedule: Schedule, gapMs: number])[] = [
    [cronSchedule('* * * * * *'), SECOND],
    [cronSchedule('*/5 * * * *'), 5 * MINUTE],
    [cronSchedule('0 9 * * *'), DAY],
    [cronSchedule('0 9 * * MON,WED'), 2 * DAY],
    [cronSchedule('59 23 * * *'), DAY],
    [cronSchedule('0,59 0,23 * * *'), MINUTE],
    [cronSchedule('0 0 1 * *'), 28 * DAY],
    [cronsSchedule(['0 9 * * *', '1 9 24 12 *']), MINUTE],
    [cronsSchedule(['*/10 * * * *', '5-59/10 0 24 12 *']), 5 * MINUTE],
    [cronsSchedule(['50 23 24 12 *', '10 0 25 12 *']), 20 * MINUTE],
    [cronsSchedule(['0 9 * * MON', '1 9 * * TUE']), DAY + MINUTE],
    // They meet in 2030 for the first time, and in 2044.
    [cronsSchedule(['0 9 24 12 *', '1 9 * * TUE']), MINUTE],
    [cronsSchedule(['0 9 29 2 *', '1 9 * * MON']), MINUTE],
    [intervalSchedule({ times: ['09:00', '09:00:30'] }), 30 * SECOND],
    [intervalSchedule({ times: ['00:00', '23:50'] }), 10 * MINUTE],
    [intervalSchedule({ count: 2, times: ['00:00', '23:50'] }), 23 * HOUR + 50 * MINUTE],
    [everySchedule(SECOND), Number.POSITIVE_INFINITY],
  ];
  for (const [schedule, gapMs] of GAPS) {
    it(`is ${gapMs} ms for ${JSON.stringify(schedule.when)}`, () => {
      assert.equal(smallestGapMs(schedule, NOW), gapMs);
    });
  }

  it('is bound by the least that a server allows, and named', () => {
    const found = (schedule: Schedule, everyMinMs: number) =>
      scheduleViolations(schedule, { now: NOW, everyMinMs, field: 'schedule' });
    assert.deepEqual(found(cronSchedule('* * * * * *'), HOUR), [
      { field: 'schedule.cron', description: 'has runs 1 s apart; this server allows no less than 3600 s' },
    ]);
    assert.deepEqual(
      [cronsSchedule(['@hourly', '30 12 * * *']), intervalSchedule({ times: ['09:00', '09:59'] })].map(
        (schedule) => found(schedule, HOUR)[0]?.field,
      ),
      ['schedule.crons', 'schedule.interval'],
    );
    assert.deepEqual(found(cronSchedule('@hourly'), HOUR), []);
    assert.deepEqual(found(cronSchedule('* * * * * *'), SECOND), []);
    assert.deepEqual(found(cronSchedule('@every 5s'), HOUR)[0]?.field, 'schedule.cron');
  });
});
