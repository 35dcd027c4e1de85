import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noRuns } from '../../../src/domain/schedule/cursor.ts';
import { sameSchedule } from '../../../src/domain/schedule/replacement.ts';
import type { RunCursor, Schedule } from '../../../src/domain/schedule/schedule.ts';
import { firstCursor, ID, planRuns, replaceSchedule, resumeCursor, T0 } from '../../support/cursors.ts';
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
} from '../../support/schedule.ts';

describe('a webhook without a schedule', () => {
  it('has no run to come, first, after a pause, and after a change of something else', () => {
    const cursor = firstCursor(ID, undefined, T0);
    assert.deepEqual(cursor, {
      anchorAt: T0,
      nominalAt: null,
      dueAt: null,
      fired: 0,
      skipped: 0,
      movedAt: T0,
    });
    assert.equal(resumeCursor(ID, undefined, cursor, T0 + DAY), cursor);
    assert.equal(replaceSchedule(ID, undefined, cursor, undefined, T0 + DAY), cursor);
  });

  it('differs from one with a schedule, and not from another without', () => {
    assert.ok(sameSchedule(undefined, undefined));
    assert.ok(!sameSchedule(everySchedule(MINUTE), undefined));
    assert.ok(!sameSchedule(undefined, everySchedule(MINUTE)));
  });
});

describe('a schedule that is replaced', () => {
  const every = everySchedule(MINUTE);
  const cursor: RunCursor = { ...firstCursor(ID, every, T0), fired: 5, skipped: 2 };

  it('keeps its place by an equal one', () => {
    const now = T0 + DAY;
    assert.equal(replaceSchedule(ID, every, cursor, everySchedule(MINUTE), now), cursor);
  });

  it('begins anew where it rings at other times', () => {
    const now = T0 + DAY;
    const daily = cronSchedule('@daily');
    const pairs: readonly (readonly [old: Schedule, next: Schedule])[] = [
      [every, everySchedule(MINUTE + 1)],
      [every, everySchedule(MINUTE, { startAt: T0 })],
      [everySchedule(MINUTE, { startAt: T0 }), everySchedule(MINUTE, { startAt: T0 + 1 })],
      [every, atSchedule(now + HOUR)],
      [atSchedule(now + HOUR), atSchedule(now + 2 * HOUR)],
      [every, daily],
      [daily, cronSchedule('@hourly')],
      [daily, cronSchedule('@daily', { timeZone: 'Europe/Vienna' })],
      [daily, cronSchedule('@daily', { dstGap: 'SKIP' })],
      [daily, cronSchedule('@daily', { dstOverlap: 'BOTH' })],
      [daily, cronsSchedule(['@daily'])],
      [cronsSchedule(['@daily']), cronsSchedule(['@daily', '@hourly'])],
      [intervalSchedule({}), intervalSchedule({ count: 2 })],
      [intervalSchedule({}), intervalSchedule({ times: ['09:01'] })],
    ];
    for (const [old, next] of pairs) {
      const before = { ...firstCursor(ID, old, T0), fired: 5, skipped: 2 };
      const replaced = replaceSchedule(ID, old, before, next, now);
      assert.deepEqual(replaced, firstCursor(ID, next, now), JSON.stringify([old, next]));
    }
  });

  it('keeps its anchor, its next run and its counts by any other change', () => {
    const later = T0 + DAY;
    const changes: readonly Partial<Schedule>[] = [
      { misfire: 'SKIP' },
      { overlap: 'BUFFER' },
      { catchupMs: 0 },
      { maxRuns: 6 },
      { endAt: later + DAY },
      { jitterMs: 1 },
      { exceptions: exceptionsOf({ dates: ['2023-12-24'] }) },
    ];
    const schedules = [every, everySchedule(MINUTE, { startAt: T0 - DAY }), cronSchedule('*/7 * * * *')];
    for (const schedule of [...schedules, cronsSchedule(['@hourly', '@daily']), intervalSchedule({})]) {
      const before = { ...firstCursor(ID, schedule, later), fired: 5, skipped: 2 };
      for (const change of changes) {
        for (const [old, next] of [
          [schedule, { ...schedule, ...change }],
          [{ ...schedule, ...change }, schedule],
        ] as const) {
          const movedAt = later + 10 * SECOND;
          const after = replaceSchedule(ID, old, before, next, movedAt);
          assert.deepEqual(after, { ...before, movedAt }, JSON.stringify([old, next]));
        }
      }
    }
  });

  it('rings, however often something else of it is changed before the period is over', () => {
    const period = 4 * SECOND;
    let schedule = everySchedule(period);
    let at = firstCursor(ID, schedule, T0);
    const fired: number[] = [];
    for (let now = T0; now <= T0 + MINUTE; now += 100) {
      if ((now - T0) % 2_800 === 0) {
        const next = { ...schedule, jitterMs: schedule.jitterMs === 0 ? 1 : 0 };
        at = replaceSchedule(ID, schedule, at, next, now);
        schedule = next;
      }
      const planned = planRuns(ID, schedule, at, now);
      if (planned === null) continue;
      fired.push(...planned.fire);
      at = planned.to;
    }
    assert.deepEqual(
      fired,
      Array.from({ length: 15 }, (_, i) => T0 + (i + 1) * period),
    );
    assert.equal(at.fired, 15);
  });

  it('lets the run that waits be due at once, or later, by another jitter', () => {
    const jittered = everySchedule(DAY, { jitterMs: 12 * HOUR });
    const plain = everySchedule(DAY);
    const before = firstCursor(ID, jittered, T0);
    assert.ok(before.dueAt! > T0 + DAY + MINUTE);
    const now = T0 + DAY + MINUTE;
    const sooner = replaceSchedule(ID, jittered, before, plain, now);
    assert.deepEqual(sooner, { ...before, dueAt: T0 + DAY, movedAt: now });
    assert.deepEqual(replaceSchedule(ID, plain, sooner, jittered, now), { ...before, movedAt: now });
  });

  it('is over at once by an end that has come nearer, or by fewer runs than have fired', () => {
    const over = { ...cursor, nominalAt: null, dueAt: null, movedAt: T0 + 1 };
    for (const bound of [{ endAt: cursor.nominalAt! }, { maxRuns: 5 }, { maxRuns: 3 }]) {
      assert.deepEqual(replaceSchedule(ID, every, cursor, everySchedule(MINUTE, bound), T0 + 1), over);
    }
  });

  it('goes on from now, in its old rhythm, when what had ended it is moved', () => {
    const now = T0 + DAY + 10 * SECOND;
    const over = { ...cursor, nominalAt: null, dueAt: null };
    const next = { ...over, nominalAt: T0 + DAY + MINUTE, dueAt: T0 + DAY + MINUTE, movedAt: now };
    for (const [old, moved] of [
      [{ maxRuns: 5 }, { maxRuns: 6 }],
      [{ maxRuns: 5 }, {}],
      [{ endAt: T0 + HOUR }, { endAt: T0 + 2 * DAY }],
      [{ endAt: T0 + HOUR }, {}],
    ]) {
      const from = everySchedule(MINUTE, old);
      assert.deepEqual(replaceSchedule(ID, from, over, everySchedule(MINUTE, moved), now), next);
    }
  });

  it('stays over by a change that has nothing to do with its end', () => {
    const over = { ...cursor, nominalAt: null, dueAt: null, movedAt: T0 + DAY };
    const bounded = everySchedule(MINUTE, { maxRuns: 5 });
    assert.deepEqual(replaceSchedule(ID, bounded, over, { ...bounded, jitterMs: 9 }, T0 + DAY), over);
    const ended = everySchedule(MINUTE, { endAt: T0 + HOUR });
    assert.deepEqual(replaceSchedule(ID, ended, over, { ...ended, overlap: 'SKIP' }, T0 + DAY), over);
  });

  it('fires a point in time that has fired no second time, and one that has not', () => {
    const at = atSchedule(T0 + HOUR);
    const waiting = firstCursor(ID, at, T0);
    const { to } = planRuns(ID, at, waiting, T0 + HOUR)!;
    const changed = { ...at, jitterMs: 5, overlap: 'ALLOW' } as const;
    for (const now of [T0, T0 + DAY]) {
      assert.deepEqual(replaceSchedule(ID, at, to, changed, now), { ...to, movedAt: now });
      assert.equal(replaceSchedule(ID, at, waiting, changed, now).nominalAt, T0 + HOUR);
    }
  });

  it('has no run to come once it is taken away', () => {
    const now = T0 + DAY;
    assert.deepEqual(replaceSchedule(ID, every, cursor, undefined, now), noRuns(now));
  });

  it('begins where there was none', () => {
    const now = T0 + DAY;
    assert.deepEqual(replaceSchedule(ID, undefined, noRuns(T0), every, now), firstCursor(ID, every, now));
  });

  it('is the same with undefined fields, and with another name for its zone', () => {
    const undefinedFields = { ...every, startAt: undefined, maxRuns: 0 } as unknown as Schedule;
    assert.ok(sameSchedule(every, undefinedFields));
    const india = (timeZone: string) => cronSchedule('@daily', { timeZone });
    assert.ok(sameSchedule(india('Asia/Kolkata'), india('Asia/Calcutta')));
  });

  it('is the same whatever its zone is called in several crons, an interval or exceptions', () => {
    for (const of of [
      (timeZone: string) => cronsSchedule(['@daily', '@hourly'], { timeZone }),
      (timeZone: string) => intervalSchedule({}, { timeZone }),
      (timeZone: string) =>
        everySchedule(MINUTE, { exceptions: exceptionsOf({ timeZone, dates: ['2026-12-24'] }) }),
    ]) {
      assert.ok(sameSchedule(of('Asia/Kolkata'), of('Asia/Calcutta')));
      assert.ok(sameSchedule(of('Asia/Kolkata'), structuredClone(of('Asia/Kolkata'))));
      assert.ok(!sameSchedule(of('Asia/Kolkata'), of('UTC')));
    }
    const absent = { ...every, exceptions: undefined } as unknown as Schedule;
    assert.ok(sameSchedule(every, absent));
  });

  it('is another by any difference in what rings and what leaves runs out', () => {
    const span = { startAt: T0, endAt: T0 + HOUR };
    const all: Schedule[] = [
      cronSchedule('@daily'),
      cronsSchedule(['@daily']),
      cronsSchedule(['@daily', '@hourly']),
      cronsSchedule(['@daily', '@hourly'], { dstGap: 'SKIP' }),
      intervalSchedule({}),
      intervalSchedule({ count: 2 }),
      intervalSchedule({ unit: 'WEEKS' }),
      intervalSchedule({ unit: 'WEEKS', weekdays: ['MON'] }),
      intervalSchedule({ unit: 'MONTHS', daysOfMonth: [31] }),
      intervalSchedule({ times: ['09:00', '17:00'] }),
      everySchedule(MINUTE),
      everySchedule(MINUTE, { exceptions: exceptionsOf({ dates: ['2026-12-24'] }) }),
      everySchedule(MINUTE, { exceptions: exceptionsOf({ dates: ['2026-12-25'] }) }),
      everySchedule(MINUTE, { exceptions: exceptionsOf({ spans: [span] }) }),
      everySchedule(MINUTE, { exceptions: exceptionsOf({ spans: [{ ...span, endAt: T0 + 2 * HOUR }] }) }),
      everySchedule(MINUTE, { exceptions: exceptionsOf({ crons: ['* 12 * * *'] }) }),
    ];
    for (const [i, one] of all.entries()) {
      for (const [j, other] of all.entries()) {
        assert.equal(sameSchedule(one, structuredClone(other)), i === j, `${i} ${j}`);
      }
    }
  });

  it('keeps its rhythm and its counts by other exceptions, and does not ring where they cover', () => {
    const covering = exceptionsOf({ spans: [{ startAt: T0, endAt: T0 + HOUR }] });
    const next = everySchedule(MINUTE, { exceptions: covering });
    const without = replaceSchedule(ID, every, cursor, next, T0 + 30 * SECOND);
    const movedAt = T0 + 30 * SECOND;
    assert.deepEqual(without, { ...cursor, nominalAt: T0 + HOUR, dueAt: T0 + HOUR, movedAt });
    // What they no longer cover rings again, from now on.
    const now = T0 + 10 * MINUTE + SECOND;
    const again = replaceSchedule(ID, next, without, every, now);
    const at = T0 + 11 * MINUTE;
    assert.deepEqual(again, { ...cursor, nominalAt: at, dueAt: at, movedAt: now });
  });

  it('still makes up for what was missed when its exceptions are changed, but for what they cover', () => {
    const covering = exceptionsOf({ spans: [{ startAt: T0, endAt: T0 + 3 * MINUTE }] });
    const next = everySchedule(MINUTE, { exceptions: covering });
    const { nominalAt } = replaceSchedule(ID, every, cursor, next, T0 + 10 * MINUTE);
    assert.equal(nominalAt, T0 + 3 * MINUTE);
  });

  it('is another by any difference', () => {
    const others: Schedule[] = [
      everySchedule(MINUTE + 1),
      atSchedule(MINUTE),
      cronSchedule('* * * * *'),
      everySchedule(MINUTE, { startAt: T0 }),
      everySchedule(MINUTE, { endAt: T0 }),
      everySchedule(MINUTE, { maxRuns: 1 }),
      everySchedule(MINUTE, { jitterMs: 1 }),
      everySchedule(MINUTE, { misfire: 'SKIP' }),
      everySchedule(MINUTE, { catchupMs: 0 }),
      everySchedule(MINUTE, { overlap: 'ALLOW' }),
    ];
    for (const other of others) assert.ok(!sameSchedule(every, other), JSON.stringify(other));
    const cron = cronSchedule('@daily');
    for (const change of [
      { timeZone: 'Europe/Vienna' },
      { dstGap: 'SKIP' },
      { dstOverlap: 'BOTH' },
    ] as const) {
      assert.ok(!sameSchedule(cron, cronSchedule('@daily', change)));
    }
  });
});
