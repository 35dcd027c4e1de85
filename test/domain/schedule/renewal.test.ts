import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOCK_BEHIND_MS, renewed } from '../../../src/domain/schedule/renewal.ts';
import { planRuns, resumeCursor } from '../../../src/domain/schedule/run-plan.ts';
import type { RunCursor, Schedule } from '../../../src/domain/schedule/schedule.ts';
import { firstCursor, ID, presentAt, replaceSchedule, T0 } from '../../support/cursors.ts';
import {
  atSchedule,
  cronSchedule,
  DAY,
  everySchedule,
  exceptionsOf,
  HOUR,
  intervalSchedule,
  MINUTE,
  SECOND,
  utc,
} from '../../support/schedule.ts';

/** What the clock showed for some seconds. */
const AHEAD = T0 + 400 * DAY;

/** The cursor after the run that was due when the clock was ahead. */
function rungAhead(schedule: Schedule): RunCursor {
  return planRuns(ID, schedule, firstCursor(ID, schedule, T0), presentAt(AHEAD))!.to;
}

describe('a schedule that rang while the clock was ahead', () => {
  it('rings next as it would have, when the clock is right again', () => {
    for (const [schedule, nominalAt] of [
      [everySchedule(5 * SECOND), T0 + 10 * SECOND],
      [everySchedule(5 * SECOND, { startAt: T0 - DAY }), T0 + 10 * SECOND],
      [cronSchedule('0 9 * * *'), T0 + 9 * HOUR],
      [intervalSchedule({ count: 2 }), T0 + 9 * HOUR],
    ] as const) {
      const cursor = rungAhead(schedule);
      const now = T0 + 6 * SECOND;
      assert.ok(cursor.nominalAt! > AHEAD);
      const { fired, skipped, anchorAt } = cursor;
      assert.deepEqual(renewed(ID, schedule, cursor, presentAt(now)), {
        anchorAt,
        nominalAt,
        dueAt: nominalAt,
        fired,
        skipped,
        movedAt: now,
      });
    }
  });

  it('is as it was while the clock is behind by no more than a minute', () => {
    const cursor = rungAhead(everySchedule(5 * SECOND));
    const present = presentAt(AHEAD - CLOCK_BEHIND_MS);
    assert.equal(renewed(ID, everySchedule(5 * SECOND), cursor, present), undefined);
    assert.ok(renewed(ID, everySchedule(5 * SECOND), cursor, presentAt(present.now - 1)));
  });

  it('counts from now if it was registered then', () => {
    for (const schedule of [everySchedule(5 * SECOND), intervalSchedule({ times: ['00:00:10'] })]) {
      const cursor = renewed(ID, schedule, firstCursor(ID, schedule, AHEAD), presentAt(T0 + SECOND))!;
      assert.deepEqual([cursor.anchorAt, cursor.nominalAt! <= T0 + 10 * SECOND], [T0 + SECOND, true]);
    }
  });

  it('goes on if it was over only by that clock, and not if it has fired all its runs', () => {
    const ended = everySchedule(MINUTE, { endAt: T0 + DAY });
    assert.equal(rungAhead(ended).nominalAt, null);
    assert.equal(renewed(ID, ended, rungAhead(ended), presentAt(T0))?.nominalAt, T0 + MINUTE);
    const counted = everySchedule(MINUTE, { maxRuns: 1 });
    assert.equal(rungAhead(counted).nominalAt, null);
    assert.equal(renewed(ID, counted, rungAhead(counted), presentAt(T0))?.nominalAt, null);
  });

  it('fires a point in time no second time', () => {
    const at = atSchedule(T0 + HOUR);
    const { nominalAt, movedAt } = renewed(ID, at, rungAhead(at), presentAt(T0))!;
    assert.deepEqual([nominalAt, movedAt], [null, T0]);
    const waiting = firstCursor(ID, atSchedule(AHEAD + DAY), AHEAD);
    assert.equal(renewed(ID, atSchedule(AHEAD + DAY), waiting, presentAt(T0))?.nominalAt, AHEAD + DAY);
  });

  it('still makes up for what was due by the right clock too', () => {
    const all = everySchedule(SECOND, { misfire: 'FIRE_ALL', overlap: 'ALLOW', catchupMs: HOUR });
    const { to } = planRuns(ID, all, firstCursor(ID, all, T0), presentAt(T0 + 10 * MINUTE))!;
    const cursor = renewed(ID, all, to, presentAt(T0 + 5 * MINUTE))!;
    assert.deepEqual([cursor.nominalAt, cursor.fired], [T0 + 101 * SECOND, 100]);
  });

  it('rings again by Resume and by a change, too', () => {
    const every = everySchedule(5 * SECOND);
    const now = T0 + 6 * SECOND;
    assert.equal(resumeCursor(ID, every, rungAhead(every), presentAt(now)).nominalAt, T0 + 10 * SECOND);
    const next = { ...every, overlap: 'ALLOW' } as const;
    assert.equal(replaceSchedule(ID, every, rungAhead(every), next, now).nominalAt, T0 + 10 * SECOND);
  });
});

describe('a next run that was computed with other time zone rules', () => {
  const daily = cronSchedule('0 9 * * *', { timeZone: 'Europe/Vienna' });
  /** At 09:00 in Vienna in winter, and an hour too early. */
  const [right, wrong] = [utc('2024-01-10T08:00Z'), utc('2024-01-10T07:00Z')];
  const yesterday = right - DAY + 5;
  const stored: RunCursor = {
    ...{ anchorAt: T0, nominalAt: wrong, dueAt: wrong, fired: 9, skipped: 1 },
    ...{ movedAt: yesterday, zoneRules: 'old' },
  };

  it('is computed anew by those of now, whether it was too early or too late', () => {
    for (const nominalAt of [wrong, right + HOUR, right]) {
      const cursor = { ...stored, nominalAt, dueAt: nominalAt };
      const now = yesterday + HOUR;
      const expected = { ...stored, nominalAt: right, dueAt: right, movedAt: now, zoneRules: 'new' };
      assert.deepEqual(renewed(ID, daily, cursor, presentAt(now, 'new')), expected);
    }
  });

  it('is not fired at the wrong time after an outage either', () => {
    const cursor = renewed(ID, daily, stored, presentAt(wrong + 30 * MINUTE, 'new'))!;
    assert.equal(cursor.nominalAt, right);
    const late = { ...stored, nominalAt: right + HOUR, dueAt: right + HOUR };
    assert.equal(renewed(ID, daily, late, presentAt(right + 2 * HOUR, 'new'))?.nominalAt, right);
  });

  it('stays as it is by the same rules', () => {
    assert.equal(renewed(ID, daily, { ...stored, zoneRules: 'new' }, presentAt(wrong, 'new')), undefined);
  });

  it('is computed anew where versions before noted neither rules nor time', () => {
    const { movedAt: _, ...old } = { ...stored, zoneRules: '' };
    assert.equal(renewed(ID, daily, old, presentAt(yesterday, 'new'))?.nominalAt, right);
    assert.equal(renewed(ID, daily, old, presentAt(wrong + MINUTE, 'new'))?.nominalAt, right);
  });

  it('is noted only where local time is read', () => {
    const rulesOf = (schedule: Schedule) => firstCursor(ID, schedule, T0).zoneRules;
    const exceptions = exceptionsOf({ timeZone: 'Asia/Kolkata', dates: ['2024-12-24'] });
    for (const schedule of [daily, intervalSchedule({}, { timeZone: 'Asia/Kolkata' })]) {
      assert.equal(rulesOf(schedule), 'test');
    }
    assert.equal(rulesOf(everySchedule(MINUTE, { exceptions })), 'test');
    for (const schedule of [everySchedule(MINUTE), cronSchedule('@daily'), atSchedule(T0 + 1)]) {
      assert.equal(rulesOf(schedule), undefined);
      const old = { ...firstCursor(ID, schedule, T0), zoneRules: '' };
      assert.deepEqual(renewed(ID, schedule, old, presentAt(T0, 'new')), firstCursor(ID, schedule, T0));
    }
  });

  it('is computed anew by Resume and by a change, too', () => {
    const present = presentAt(yesterday + HOUR, 'new');
    assert.equal(resumeCursor(ID, daily, stored, present).nominalAt, right);
    const next = { ...daily, overlap: 'ALLOW' } as const;
    assert.equal(replaceSchedule(ID, daily, stored, next, yesterday + HOUR).nominalAt, right);
  });
});
