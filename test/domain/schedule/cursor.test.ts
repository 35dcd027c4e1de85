import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dueAt } from '../../../src/domain/schedule/cursor.ts';
import { firstCursor, ID, planRuns, T0 } from '../../support/cursors.ts';
import {
  atSchedule,
  cronSchedule,
  DAY,
  everySchedule,
  HOUR,
  MINUTE,
  SECOND,
} from '../../support/schedule.ts';

describe('the first cursor', () => {
  it('of every is a period from now', () => {
    assert.deepEqual(firstCursor(ID, everySchedule(5_000), T0), {
      anchorAt: T0,
      nominalAt: T0 + 5_000,
      dueAt: T0 + 5_000,
      fired: 0,
      skipped: 0,
      movedAt: T0,
    });
  });

  it('is the start itself where that is to come, or is now', () => {
    for (const startAt of [T0, T0 + DAY]) {
      const cursor = firstCursor(ID, everySchedule(5_000, { startAt }), T0);
      assert.deepEqual([cursor.anchorAt, cursor.nominalAt], [startAt, startAt]);
    }
  });

  it('counts from a start that has passed, without the runs before now', () => {
    const cursor = firstCursor(ID, everySchedule(MINUTE, { startAt: T0 - 90 * SECOND }), T0);
    assert.deepEqual(
      [cursor.anchorAt, cursor.nominalAt, cursor.skipped],
      [T0 - 90 * SECOND, T0 + 30 * SECOND, 0],
    );
  });

  it('of cron is the next match', () => {
    assert.equal(firstCursor(ID, cronSchedule('0 9 * * *'), T0).nominalAt, T0 + 9 * HOUR);
    assert.equal(firstCursor(ID, cronSchedule('@daily'), T0).nominalAt, T0 + DAY);
  });

  it('of at is that time, even if it has passed since it was validated', () => {
    assert.equal(firstCursor(ID, atSchedule(T0 + 1), T0).nominalAt, T0 + 1);
    assert.equal(firstCursor(ID, atSchedule(T0 - 1), T0).nominalAt, T0 - 1);
  });

  it('is none where nothing is to come', () => {
    const cursor = firstCursor(ID, everySchedule(MINUTE, { endAt: T0 + MINUTE }), T0);
    assert.deepEqual([cursor.nominalAt, cursor.dueAt], [null, null]);
    assert.equal(planRuns(ID, everySchedule(MINUTE, { endAt: T0 + MINUTE }), cursor, T0 + DAY), null);
  });
});

describe('a due time', () => {
  const ids = fc.stringMatching(/^wh_[0-9A-Z]{26}$/);

  it('is the nominal time without jitter', () => {
    assert.equal(dueAt(ID, everySchedule(MINUTE), T0, T0 + MINUTE), T0 + MINUTE);
  });

  it('is later by less than the jitter, before the next run, and always the same', () => {
    const jitters = fc.integer({ min: 1, max: DAY });
    fc.assert(
      fc.property(ids, jitters, fc.integer({ min: 1, max: 2 * DAY }), (id, jitterMs, periodMs) => {
        const schedule = everySchedule(periodMs, { jitterMs });
        const nominal = T0 + periodMs;
        const due = dueAt(id, schedule, T0, nominal);
        assert.ok(due >= nominal && due < nominal + Math.min(jitterMs, periodMs));
        assert.equal(dueAt(id, schedule, T0, nominal), due);
      }),
    );
  });

  it('is before the end', () => {
    const schedule = everySchedule(HOUR, { jitterMs: DAY, endAt: T0 + HOUR + 10 });
    for (let i = 0; i < 50; i++) assert.ok(dueAt(`${ID}${i}`, schedule, T0, T0 + HOUR) < T0 + HOUR + 10);
  });

  it('spreads webhooks over the jitter, and one webhook from run to run', () => {
    const schedule = everySchedule(DAY, { jitterMs: 10 * MINUTE });
    for (const webhooks of [true, false]) {
      const tenths = new Array<number>(10).fill(0);
      for (let i = 0; i < 5_000; i++) {
        const nominal = T0 + (webhooks ? 1 : i) * DAY;
        const due = dueAt(webhooks ? `${ID}${i}` : ID, schedule, T0, nominal);
        tenths[Math.floor((due - nominal) / MINUTE)]!++;
      }
      // Each tenth should hold 500, give or take 21; six times that never happens by chance.
      for (const count of tenths) assert.ok(Math.abs(count - 500) < 127, String(tenths));
    }
  });
});
