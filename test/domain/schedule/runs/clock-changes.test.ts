import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nextNominal, nominalTimes } from '../../../../src/domain/schedule/occurrences.ts';
import { clockChanges } from '../../../../src/domain/schedule/runs/clock-changes.ts';
import type { Schedule } from '../../../../src/domain/schedule/schedule.ts';
import { changeWords } from '../../../../src/domain/schedule/words/change-words.ts';
import {
  atSchedule,
  changes,
  cronField,
  cronSchedule,
  cronsSchedule,
  DAY,
  everySchedule,
  exceptionsOf,
  HOUR,
  intervalSchedule,
  show,
  utc,
} from '../../../support/schedule.ts';

const FROM = utc('2026-01-01T00:00Z');
const VIENNA = { timeZone: 'Europe/Vienna' };
const FOREVER = { from: FROM, to: Number.POSITIVE_INFINITY, count: 2 };

function told(schedule: Schedule, range = FOREVER): (string | null)[] {
  return clockChanges(schedule, FROM, range).flatMap((change) => [show(change.at), changeWords(change)]);
}

const SPRING = '2026-03-29T01:00Z';
const AUTUMN = '2026-10-25T01:00Z';
const FORTH = 'the clocks go from 02:00 to 03:00:';
const BACK = 'the clocks go back from 03:00 to 02:00:';

describe('The changes of the clocks that touch a schedule', () => {
  it('shift a run out of the gap, and fire one that comes twice at the first of the two', () => {
    assert.deepEqual(told(cronSchedule('30 2 * * *', VIENNA)), [
      ...[SPRING, `${FORTH} the run of 02:30 is at 03:30`],
      ...[AUTUMN, `${BACK} the run of 02:30 fires once, at the first of the two`],
    ]);
  });

  it('leave out and repeat, where the policies say so', () => {
    const policies = { dstGap: 'SKIP', dstOverlap: 'BOTH' } as const;
    assert.deepEqual(told(cronSchedule('*/15 2 * * *', { ...VIENNA, ...policies })), [
      ...[SPRING, `${FORTH} 4 runs, from that of 02:00 on, are left out`],
      ...[AUTUMN, `${BACK} 4 runs, from that of 02:00 on, fire twice`],
    ]);
    assert.deepEqual(
      told(intervalSchedule({ times: ['02:10', '02:20'] }, VIENNA))[1],
      `${FORTH} 2 runs, from that of 02:10 on, are 1 hour later`,
    );
  });

  it('are those alone that come on a day with a run', () => {
    assert.deepEqual(told(cronSchedule('30 2 25 3 *', VIENNA)), [
      '2029-03-25T01:00Z',
      `${FORTH} the run of 02:30 is at 03:30`,
      '2035-03-25T01:00Z',
      `${FORTH} the run of 02:30 is at 03:30`,
    ]);
    assert.deepEqual(told(cronSchedule('30 2 * * MON', VIENNA)), []);
    assert.deepEqual(told(cronSchedule('0 4 * * *', VIENNA)), []);
  });

  it('are none for a period, a single run, a zone without changes, and what rings every hour', () => {
    for (const schedule of [
      everySchedule(HOUR),
      atSchedule(utc(SPRING)),
      cronSchedule('@every 10m', VIENNA),
      cronSchedule('30 2 * * *'),
      cronSchedule('*/5 * * * *', VIENNA),
      cronSchedule('*/5 0-23 * * *', VIENNA),
      cronsSchedule(['0 * * * *', '30 * * * *'], VIENNA),
    ]) {
      assert.deepEqual(told(schedule), []);
    }
  });

  it('touch what rings every hour where the clocks are not changed by whole hours', () => {
    assert.deepEqual(told(cronSchedule('15 * * * *', { timeZone: 'Australia/Lord_Howe' })), [
      ...['2026-10-03T15:30Z', 'the clocks go from 02:00 to 02:30: the run of 02:15 is left out'],
      ...['2027-10-02T15:30Z', 'the clocks go from 02:00 to 02:30: the run of 02:15 is left out'],
    ]);
    assert.deepEqual(
      told(cronSchedule('45 * * * *', { timeZone: 'Australia/Lord_Howe' }), { ...FOREVER, count: 1 }),
      ['2026-04-04T15:00Z', 'the clocks go back from 02:00 to 01:30: the run of 01:45 fires twice'],
    );
  });

  it('are judged with the exceptions: by what the clock shows after the gap, and by spans', () => {
    const except = (overrides: Parameters<typeof exceptionsOf>[0]) => ({
      exceptions: exceptionsOf({ ...VIENNA, ...overrides }),
    });
    const nightly = (overrides: Parameters<typeof exceptionsOf>[0]) =>
      told(cronSchedule('30 2 * * *', VIENNA, except(overrides)), { ...FOREVER, count: 1 });
    assert.deepEqual(nightly({ crons: ['* 3 * * *'] }), [SPRING, `${FORTH} the run of 02:30 is left out`]);
    assert.deepEqual(nightly({ crons: ['* 2 * * *'] }), [SPRING, `${FORTH} the run of 02:30 is at 03:30`]);
    assert.deepEqual(nightly({ dates: ['2026-03-29', '2026-10-25'] })[0], '2027-03-28T01:00Z');
    const spans = [{ startAt: utc(SPRING), endAt: utc(SPRING) + HOUR }];
    assert.deepEqual(nightly({ spans })[0], AUTUMN);
  });

  it('lie in the range that is asked for, and within ten years', () => {
    const nightly = cronSchedule('30 2 * * *', VIENNA);
    const at = utc(SPRING);
    assert.deepEqual(told(nightly, { from: at, to: at + 1, count: 2 }).length, 2);
    assert.deepEqual(told(nightly, { from: at - 5 * DAY, to: at, count: 2 }), []);
    assert.equal(told(nightly, { from: at + 1, to: at + 200 * DAY, count: 2 }).length, 0);
    const leapDay = cronSchedule('30 2 29 2 *', VIENNA);
    assert.deepEqual(told(leapDay), []);
  });

  it('do what they say: every local time in a gap or an overlap rings as it is told', () => {
    const policies = fc.record({
      dstGap: fc.constantFrom('SHIFT' as const, 'SKIP' as const),
      dstOverlap: fc.constantFrom('FIRST' as const, 'BOTH' as const),
    });
    const hours = fc.constantFrom('0-4', '1,2', '2', '*/2', '0', '23', '1-22', '*');
    const expression = fc.tuple(cronField(0, 59), hours).map((fields) => `${fields.join(' ')} * * *`);
    let touched = 0;
    fc.assert(
      fc.property(expression, policies, fc.constantFrom(...changes), (cron, policy, { zone, at, byMs }) => {
        const schedule = cronSchedule(cron, { timeZone: zone, ...policy });
        const [change] = clockChanges(schedule, at, { from: at, to: at + 1, count: 1 });
        const isHourly = cron.split(' ')[1] === '*';
        if (isHourly && byMs % HOUR === 0) return assert.equal(change, undefined);
        const beforeMs = change?.beforeMs ?? 0;
        if (change === undefined) return;
        touched++;
        assert.equal(change.offsetMs - beforeMs, byMs);
        const first = at + Math.min(beforeMs, change.offsetMs);
        const walls = nominalTimes(cronSchedule(cron), first, first - 1, 2_000).filter(
          (wall) => wall < first + Math.abs(byMs),
        );
        assert.equal(
          [...change.effects.values()].reduce((sum, { count }) => sum + count, 0),
          walls.length,
        );
        const rings = (instant: number) => nextNominal(schedule, at, instant - 1) === instant;
        for (const [effect] of change.effects) {
          const rung: boolean[][] = walls.map((wall) => [
            rings(wall - beforeMs),
            rings(wall - change.offsetMs),
          ]);
          if (effect === 'SHIFTED') assert.ok(rung.every(([later]) => later));
          if (effect === 'ONCE') assert.ok(rung.every(([one, two]) => one && !two));
          if (effect === 'TWICE') assert.ok(rung.every(([one, two]) => one && two));
          if (effect === 'LEFT_OUT') assert.ok(isHourly || policy.dstGap === 'SKIP');
        }
      }),
    );
    assert.ok(touched > 20);
  });
});
