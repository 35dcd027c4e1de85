import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dueAt } from '../../../src/domain/schedule/cursor.ts';
import { nextNominal } from '../../../src/domain/schedule/occurrences.ts';
import {
  FIRE_ALL_BATCH,
  FIRE_ALL_MAX,
  leftOut,
  MISFIRE_GRACE_MS,
} from '../../../src/domain/schedule/run-plan.ts';
import type { RunCursor, Schedule } from '../../../src/domain/schedule/schedule.ts';
import { firstCursor, ID, planRuns, resumeCursor, T0 } from '../../support/cursors.ts';
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
} from '../../support/schedule.ts';

function plan(schedule: Schedule, cursor: RunCursor, now: number) {
  const planned = planRuns(ID, schedule, cursor, now);
  assert.ok(planned !== null, 'nothing was due');
  return planned;
}

/** Plans until nothing is due, as the scheduler does, all at the same time. */
function drain(
  schedule: Schedule,
  from: RunCursor,
  now: number,
): { batches: number[]; fired: number[]; to: RunCursor } {
  const batches: number[] = [];
  const fired: number[] = [];
  let to = from;
  for (
    let planned = planRuns(ID, schedule, to, now);
    planned !== null;
    planned = planRuns(ID, schedule, to, now)
  ) {
    batches.push(planned.fire.length);
    fired.push(...planned.fire);
    to = planned.to;
    assert.ok(batches.length < 1000, 'it does not end');
  }
  return { batches, fired, to };
}

describe('a plan', () => {
  it('is none before the run is due', () => {
    const schedule = everySchedule(MINUTE);
    assert.equal(planRuns(ID, schedule, firstCursor(ID, schedule, T0), T0 + MINUTE - 1), null);
  });

  it('fires the run that is due and goes to the next', () => {
    const schedule = everySchedule(MINUTE);
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE + 3);
    assert.deepEqual(fire, [T0 + MINUTE]);
    assert.deepEqual(to, {
      anchorAt: T0,
      nominalAt: T0 + 2 * MINUTE,
      dueAt: T0 + 2 * MINUTE,
      fired: 1,
      skipped: 0,
      movedAt: T0 + MINUTE + 3,
    });
  });

  it('refires nothing when the clock is put back', () => {
    const schedule = everySchedule(MINUTE);
    const { to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE);
    assert.equal(planRuns(ID, schedule, to, T0), null);
  });

  it('fires a run late within the grace under every policy, even without a catch-up window', () => {
    for (const misfire of ['FIRE_LATEST', 'SKIP', 'FIRE_ALL'] as const) {
      const schedule = everySchedule(HOUR, { misfire, catchupMs: 0 });
      const cursor = firstCursor(ID, schedule, T0);
      assert.deepEqual(plan(schedule, cursor, T0 + HOUR + MISFIRE_GRACE_MS).fire, [T0 + HOUR], misfire);
      const late = plan(schedule, cursor, T0 + HOUR + MISFIRE_GRACE_MS + 1);
      assert.deepEqual([late.fire, late.to.skipped], [[], 1], misfire);
    }
  });

  it('ends with the schedule', () => {
    const schedule = everySchedule(MINUTE, { endAt: T0 + 2 * MINUTE });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE);
    assert.deepEqual([fire, to.nominalAt, to.dueAt], [[T0 + MINUTE], null, null]);
  });

  it('still fires a run of before the end after it, within the window', () => {
    const schedule = everySchedule(MINUTE, { endAt: T0 + 2 * MINUTE });
    const { fire } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10 * MINUTE);
    assert.deepEqual(fire, [T0 + MINUTE]);
  });

  it('goes on from a nominal time that newer time zone rules no longer have', () => {
    const schedule = cronSchedule('0 * * * *');
    const cursor: RunCursor = { anchorAt: T0, nominalAt: T0 + 7, dueAt: T0 + 7, fired: 0, skipped: 0 };
    assert.deepEqual(plan(schedule, cursor, T0 + 8).fire, [T0 + 7]);
    const late = plan(schedule, cursor, T0 + 2 * HOUR);
    assert.deepEqual([late.fire, late.to.skipped, late.to.nominalAt], [[T0 + 2 * HOUR], 2, T0 + 3 * HOUR]);
  });
});

describe('FIRE_LATEST', () => {
  it('fires the latest of those missed and counts the others', () => {
    const schedule = everySchedule(MINUTE);
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10.5 * MINUTE);
    assert.deepEqual(fire, [T0 + 10 * MINUTE]);
    assert.deepEqual([to.nominalAt, to.fired, to.skipped], [T0 + 11 * MINUTE, 1, 9]);
  });

  it('counts one that is due this very millisecond among those', () => {
    const schedule = everySchedule(MINUTE);
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 2 * MINUTE);
    assert.deepEqual([fire, to.skipped], [[T0 + 2 * MINUTE], 1]);
  });

  it('fires none where the latest is later than the window', () => {
    const schedule = cronSchedule('@daily', {}, { catchupMs: HOUR });
    const cursor = firstCursor(ID, schedule, T0);
    assert.deepEqual(plan(schedule, cursor, T0 + 3 * DAY + HOUR).fire, [T0 + 3 * DAY]);
    const late = plan(schedule, cursor, T0 + 3 * DAY + HOUR + 1);
    assert.deepEqual([late.fire, late.to.skipped, late.to.nominalAt], [[], 3, T0 + 4 * DAY]);
  });

  it('counts what a year of seconds missed', () => {
    for (const schedule of [
      everySchedule(SECOND),
      cronSchedule('* * * * * *', { timeZone: 'Europe/Vienna' }),
    ]) {
      const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 366 * DAY);
      assert.deepEqual(fire, [T0 + 366 * DAY]);
      assert.equal(to.skipped, (366 * DAY) / SECOND - 1);
    }
  });
});

describe('SKIP', () => {
  it('waits for the next run and counts those missed', () => {
    const schedule = everySchedule(MINUTE, { misfire: 'SKIP' });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10.5 * MINUTE);
    assert.deepEqual([fire, to.nominalAt, to.fired, to.skipped], [[], T0 + 11 * MINUTE, 0, 10]);
  });

  it('fires the latest where that is on time', () => {
    const schedule = everySchedule(MINUTE, { misfire: 'SKIP' });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10 * MINUTE + MISFIRE_GRACE_MS);
    assert.deepEqual([fire, to.skipped], [[T0 + 10 * MINUTE], 9]);
  });

  it('measures from the due time, and not from the nominal', () => {
    const schedule = everySchedule(DAY, { misfire: 'SKIP', jitterMs: 12 * HOUR });
    const cursor = firstCursor(ID, schedule, T0);
    assert.ok(cursor.dueAt! - cursor.nominalAt! > MISFIRE_GRACE_MS);
    assert.deepEqual(plan(schedule, cursor, cursor.dueAt! + MISFIRE_GRACE_MS).fire, [T0 + DAY]);
    assert.deepEqual(plan(schedule, cursor, cursor.dueAt! + MISFIRE_GRACE_MS + 1).fire, []);
  });
});

describe('FIRE_ALL', () => {
  it('fires every run within the window, oldest first', () => {
    const schedule = everySchedule(MINUTE, { misfire: 'FIRE_ALL', overlap: 'ALLOW', catchupMs: 5 * MINUTE });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10 * MINUTE);
    assert.deepEqual(
      fire,
      [5, 6, 7, 8, 9, 10].map((n) => T0 + n * MINUTE),
    );
    assert.deepEqual([to.nominalAt, to.fired, to.skipped], [T0 + 11 * MINUTE, 6, 4]);
  });

  it('hands out a batch at a time, which is due at once', () => {
    const schedule = everySchedule(SECOND, { misfire: 'FIRE_ALL', overlap: 'ALLOW' });
    const { batches, fired, to } = drain(schedule, firstCursor(ID, schedule, T0), T0 + 250 * SECOND);
    assert.deepEqual(batches, [FIRE_ALL_BATCH, FIRE_ALL_BATCH, 50]);
    assert.deepEqual([fired[0], fired.at(-1)], [T0 + SECOND, T0 + 250 * SECOND]);
    assert.deepEqual([to.fired, to.skipped], [250, 0]);
  });

  it('makes up for the latest thousand of one outage', () => {
    for (const schedule of [
      everySchedule(SECOND, { misfire: 'FIRE_ALL', overlap: 'ALLOW', catchupMs: DAY }),
      cronSchedule(
        '* * * * * *',
        { timeZone: 'America/New_York' },
        { misfire: 'FIRE_ALL', overlap: 'ALLOW', catchupMs: DAY },
      ),
    ]) {
      const { batches, fired, to } = drain(schedule, firstCursor(ID, schedule, T0), T0 + DAY);
      assert.ok(batches.every((size) => size === FIRE_ALL_BATCH));
      assert.equal(fired.length, FIRE_ALL_MAX);
      assert.deepEqual([fired[0], fired.at(-1)], [T0 + DAY - 999 * SECOND, T0 + DAY]);
      assert.deepEqual([to.fired, to.skipped], [FIRE_ALL_MAX, DAY / SECOND - FIRE_ALL_MAX]);
    }
  });

  it('makes up for all of a thousand, and for all but one of a thousand and one', () => {
    const schedule = everySchedule(SECOND, { misfire: 'FIRE_ALL', overlap: 'ALLOW' });
    for (const missed of [FIRE_ALL_MAX, FIRE_ALL_MAX + 1]) {
      const { to } = drain(schedule, firstCursor(ID, schedule, T0), T0 + missed * SECOND);
      assert.deepEqual([to.fired, to.skipped], [FIRE_ALL_MAX, missed - FIRE_ALL_MAX]);
    }
  });

  it('makes up for no more of it while new runs come due between plans', () => {
    const schedule = everySchedule(SECOND, { misfire: 'FIRE_ALL', catchupMs: DAY });
    const outageEnds = T0 + DAY;
    let cursor = firstCursor(ID, schedule, T0);
    let now = outageEnds;
    let madeUp = 0;
    for (let planned = planRuns(ID, schedule, cursor, now); planned !== null; ) {
      madeUp += planned.fire.filter((at) => at <= outageEnds).length;
      cursor = planned.to;
      now += 700;
      planned = planRuns(ID, schedule, cursor, now);
    }
    assert.ok(madeUp <= FIRE_ALL_MAX && madeUp > FIRE_ALL_MAX - 20, String(madeUp));
    assert.equal(cursor.fired + cursor.skipped, Math.floor((now - T0) / SECOND));
  });

  it('fires none where all are later than the window', () => {
    const schedule = cronSchedule('@daily', {}, { misfire: 'FIRE_ALL', catchupMs: HOUR });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 2 * DAY + 2 * HOUR);
    assert.deepEqual([fire, to.skipped, to.nominalAt], [[], 2, T0 + 3 * DAY]);
  });

  for (const overlap of ['SUPERSEDE', 'SKIP', 'BUFFER'] as const) {
    it(`makes up for them one at a time, with overlap ${overlap}, for their turns`, () => {
      const schedule = everySchedule(SECOND, { misfire: 'FIRE_ALL', overlap });
      const { batches, fired, to } = drain(schedule, firstCursor(ID, schedule, T0), T0 + 250 * SECOND);
      assert.deepEqual(new Set(batches), new Set([1]));
      assert.deepEqual([fired[0], fired.length], [T0 + SECOND, 250]);
      assert.deepEqual([to.fired, to.skipped], [250, 0]);
    });
  }

  it('says which runs make up for others, and that one on time is none', () => {
    const schedule = everySchedule(MINUTE, { misfire: 'FIRE_ALL' });
    const cursor = firstCursor(ID, schedule, T0);
    const madeUp = (now: number, more: Partial<Schedule> = {}) =>
      plan({ ...schedule, ...more }, cursor, now).madeUp;
    assert.deepEqual(
      [MINUTE, MINUTE + MISFIRE_GRACE_MS, MINUTE + MISFIRE_GRACE_MS + 1, 2 * MINUTE].map((ms) =>
        madeUp(T0 + ms),
      ),
      [false, false, true, true],
    );
    assert.equal(madeUp(T0 + 2 * MINUTE, { overlap: 'ALLOW' }), true);
    assert.equal(madeUp(T0 + 2 * MINUTE, { misfire: 'FIRE_LATEST' }), false);
    // Those before are later than the window, so the one that is fired is on time.
    assert.equal(madeUp(T0 + 2 * MINUTE, { catchupMs: 0 }), false);
  });
});

describe('at', () => {
  it('fires however late, under every policy, and once', () => {
    for (const misfire of ['FIRE_LATEST', 'SKIP', 'FIRE_ALL'] as const) {
      const schedule = atSchedule(T0 + DAY, { misfire, catchupMs: 0 });
      const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 400 * DAY);
      assert.deepEqual([fire, to.nominalAt, to.fired], [[T0 + DAY], null, 1]);
    }
  });
});

describe('jitter and a catch-up', () => {
  it('leave a run that is not due yet for its time', () => {
    const schedule = everySchedule(DAY, { jitterMs: 12 * HOUR, catchupMs: 2 * DAY });
    const cursor = firstCursor(ID, schedule, T0);
    const thirdDueAt = dueAt(ID, schedule, T0, T0 + 3 * DAY);
    assert.ok(thirdDueAt > T0 + 3 * DAY);
    const { fire, to } = plan(schedule, cursor, thirdDueAt - 1);
    assert.deepEqual(fire, [T0 + 2 * DAY]);
    assert.deepEqual([to.nominalAt, to.dueAt, to.skipped], [T0 + 3 * DAY, thirdDueAt, 1]);
    assert.deepEqual(plan(schedule, cursor, thirdDueAt).fire, [T0 + 3 * DAY]);
  });

  it('measure the window from due times', () => {
    const schedule = everySchedule(DAY, { jitterMs: 12 * HOUR, misfire: 'FIRE_ALL', catchupMs: 2 * DAY });
    const cursor = firstCursor(ID, schedule, T0);
    const secondDueAt = dueAt(ID, schedule, T0, T0 + 2 * DAY);
    const within = plan(schedule, cursor, secondDueAt + 2 * DAY);
    assert.deepEqual(within.fire[0], T0 + 2 * DAY);
    const late = plan(schedule, cursor, secondDueAt + 2 * DAY + 1);
    assert.deepEqual([late.fire[0], late.to.skipped], [T0 + 3 * DAY, 2]);
  });
});

describe('maxRuns', () => {
  it('ends the schedule with its last run', () => {
    const schedule = everySchedule(MINUTE, { maxRuns: 2 });
    const first = plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE);
    assert.equal(first.to.nominalAt, T0 + 2 * MINUTE);
    const second = plan(schedule, first.to, T0 + 2 * MINUTE);
    assert.deepEqual([second.fire.length, second.to.nominalAt, second.to.fired], [1, null, 2]);
  });

  it('does not count skipped runs', () => {
    const schedule = everySchedule(MINUTE, { maxRuns: 2 });
    const { to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10 * MINUTE);
    assert.deepEqual([to.fired, to.skipped, to.nominalAt], [1, 9, T0 + 11 * MINUTE]);
  });

  it('bounds a catch-up, and what is left then is not skipped', () => {
    const schedule = everySchedule(MINUTE, {
      ...{ maxRuns: 3, misfire: 'FIRE_ALL', overlap: 'ALLOW', catchupMs: 5 * MINUTE },
    });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + 10 * MINUTE);
    assert.deepEqual([fire[0], fire.length], [T0 + 5 * MINUTE, 3]);
    assert.deepEqual([to.nominalAt, to.fired, to.skipped], [null, 3, 4]);
  });

  it('of 0 is no bound', () => {
    const schedule = everySchedule(MINUTE, { maxRuns: 0 });
    assert.equal(plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE).fire.length, 1);
  });

  it('waits, with overlap BUFFER, whether its last run counts, and plans one run at a time', () => {
    const schedule = everySchedule(MINUTE, { maxRuns: 2, overlap: 'BUFFER', misfire: 'FIRE_ALL' });
    const first = plan(schedule, firstCursor(ID, schedule, T0), T0 + 9 * MINUTE);
    assert.deepEqual([first.fire, first.to.nominalAt], [[T0 + MINUTE], T0 + 2 * MINUTE]);
    const second = plan(schedule, first.to, T0 + 9 * MINUTE);
    assert.deepEqual([second.fire, second.to.nominalAt], [[T0 + 2 * MINUTE], T0 + 3 * MINUTE]);
    const end = plan(schedule, second.to, T0 + 9 * MINUTE);
    assert.deepEqual([end.fire, end.to.nominalAt, end.to.fired, end.to.skipped], [[], null, 2, 0]);
  });

  it('waits, with overlap SKIP, whether its last run counts', () => {
    const schedule = everySchedule(MINUTE, { maxRuns: 1, overlap: 'SKIP' });
    const { fire, to } = plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE);
    assert.deepEqual([fire.length, to.nominalAt], [1, T0 + 2 * MINUTE]);
    // It counted: that was all.
    const end = plan(schedule, to, T0 + 2 * MINUTE);
    assert.deepEqual([end.fire, end.to.nominalAt, end.to.fired, end.to.skipped], [[], null, 1, 0]);
    // It was left out: the next one goes.
    const again = plan(schedule, { ...to, fired: 0, skipped: 1 }, T0 + 2 * MINUTE);
    assert.deepEqual(again.fire, [T0 + 2 * MINUTE]);
  });
});

describe('plans, one after another', () => {
  const schedules = fc.record({
    base: fc.oneof(
      fc.integer({ min: 1, max: 3 * HOUR }).map((periodMs) => everySchedule(periodMs)),
      fc
        .constantFrom('* * * * *', '*/7 * * * *', '0 * * * *', '30 1,2,3 * * *', '15 30 2 * * *')
        .map((expression) => cronSchedule(expression, { timeZone: 'America/New_York' })),
      fc.constant(cronsSchedule(['*/7 * * * *', '30 1,2 * * *'], { timeZone: 'America/New_York' })),
      fc.constant(intervalSchedule({ times: ['01:30', '02:30'] }, { timeZone: 'America/New_York' })),
      fc.constant(
        cronSchedule(
          '*/9 * * * *',
          { timeZone: 'America/New_York' },
          { exceptions: exceptionsOf({ timeZone: 'America/New_York', crons: ['* 2-5 * * *'] }) },
        ),
      ),
    ),
    misfire: fc.constantFrom('FIRE_LATEST' as const, 'SKIP' as const, 'FIRE_ALL' as const),
    jitterMs: fc.constantFrom(0, 0, 1, 30 * SECOND, 6 * HOUR),
    catchupMs: fc.constantFrom(0, 10 * MINUTE, HOUR, DAY),
    maxRuns: fc.constantFrom(0, 0, 1, 7, 1000),
  });
  const waits = fc.array(fc.integer({ min: 0, max: 8 * HOUR }), { minLength: 1, maxLength: 12 });
  // Ten hours before the clocks go forward in New York.
  const start = utc('2024-03-09T21:00Z');

  it('fire each nominal time at most once, in order, never early, and account for all', () => {
    fc.assert(
      fc.property(schedules, waits, ({ base, ...policies }, pauses) => {
        const schedule: Schedule = { ...base, ...policies };
        let cursor = firstCursor(ID, schedule, start);
        let now = start;
        let seen = 0;
        let lastFired = start;
        for (const pause of pauses) {
          now += pause;
          const planned = planRuns(ID, schedule, cursor, now);
          if (planned === null) {
            assert.ok(cursor.dueAt === null || cursor.dueAt > now);
            continue;
          }
          assert.deepEqual(planRuns(ID, schedule, cursor, now), planned);
          assert.ok(planned.fire.length <= FIRE_ALL_BATCH);
          for (const nominal of planned.fire) {
            assert.ok(nominal > lastFired);
            assert.ok(dueAt(ID, schedule, cursor.anchorAt, nominal) <= now);
            lastFired = nominal;
          }
          const { to } = planned;
          assert.equal(to.fired, cursor.fired + planned.fire.length);
          assert.ok(schedule.maxRuns === 0 || to.fired <= schedule.maxRuns!);
          // Walk over the nominal times from the old cursor to the new: each was fired or skipped.
          if (to.nominalAt !== null) {
            let at: number | null = cursor.nominalAt;
            for (seen = 0; at !== null && at < to.nominalAt && seen < 30_000; seen++) {
              at = nextNominal(schedule, cursor.anchorAt, at);
            }
            if (seen < 30_000) {
              assert.equal(at, to.nominalAt);
              assert.equal(to.fired + to.skipped - cursor.fired - cursor.skipped, seen);
            }
          }
          cursor = to;
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('a schedule that is resumed', () => {
  it('skips and counts the runs of the pause', () => {
    const schedule = everySchedule(MINUTE, { misfire: 'FIRE_ALL' });
    const cursor = resumeCursor(ID, schedule, firstCursor(ID, schedule, T0), T0 + 10 * MINUTE);
    assert.deepEqual([cursor.nominalAt, cursor.fired, cursor.skipped], [T0 + 11 * MINUTE, 0, 10]);
  });

  it('keeps a cursor that is still to come, or at its end', () => {
    const schedule = everySchedule(MINUTE);
    const cursor = firstCursor(ID, schedule, T0);
    assert.equal(resumeCursor(ID, schedule, cursor, T0 + MINUTE - 1), cursor);
    const ended = { ...cursor, nominalAt: null, dueAt: null };
    assert.equal(resumeCursor(ID, schedule, ended, T0 + DAY), ended);
  });

  it('keeps an at that was missed, which fires then', () => {
    const schedule = atSchedule(T0 + MINUTE);
    const cursor = resumeCursor(ID, schedule, firstCursor(ID, schedule, T0), T0 + DAY);
    assert.deepEqual(plan(schedule, cursor, T0 + DAY).fire, [T0 + MINUTE]);
  });

  it('keeps a run that still waits for its jitter', () => {
    const schedule = everySchedule(DAY, { jitterMs: 12 * HOUR });
    const thirdDueAt = dueAt(ID, schedule, T0, T0 + 3 * DAY);
    const cursor = resumeCursor(ID, schedule, firstCursor(ID, schedule, T0), thirdDueAt - 1);
    assert.deepEqual([cursor.nominalAt, cursor.dueAt, cursor.skipped], [T0 + 3 * DAY, thirdDueAt, 2]);
  });

  it('is over if it ended during the pause', () => {
    const schedule = everySchedule(MINUTE, { endAt: T0 + 3 * MINUTE });
    const cursor = resumeCursor(ID, schedule, firstCursor(ID, schedule, T0), T0 + DAY);
    assert.deepEqual([cursor.nominalAt, cursor.skipped], [null, 2]);
  });
});

describe('runs that were left out', () => {
  const to: RunCursor = { anchorAt: T0, nominalAt: T0 + MINUTE, dueAt: T0 + MINUTE, fired: 5, skipped: 2 };

  it('count as skipped instead of fired, and leave the next run alone', () => {
    assert.deepEqual(leftOut(to, 3), { ...to, fired: 2, skipped: 5 });
    assert.deepEqual(leftOut(to, 0), to);
  });

  it('free their place among the most runs that there may be', () => {
    const schedule = everySchedule(MINUTE, { maxRuns: 1, overlap: 'SKIP' });
    const first = plan(schedule, firstCursor(ID, schedule, T0), T0 + MINUTE);
    const next = plan(schedule, leftOut(first.to, first.fire.length), T0 + 2 * MINUTE);
    assert.deepEqual(next.fire, [T0 + 2 * MINUTE]);
    assert.deepEqual([next.to.fired, next.to.skipped], [1, 1]);
  });
});
