import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  countNominals,
  latestNominal,
  nextNominal,
  nominalTimes,
} from '../../../../src/domain/schedule/occurrences.ts';
import type { Exceptions, Interval, Schedule } from '../../../../src/domain/schedule/schedule.ts';
import { WEEKDAYS } from '../../../../src/domain/schedule/schedule.ts';
import { offsetAt, readWall } from '../../../../src/domain/schedule/zone.ts';
import { leftByHand } from '../../../support/exception-oracle.ts';
import {
  changes,
  cronField,
  cronFive,
  cronSchedule,
  cronsSchedule,
  DAY,
  everySchedule,
  exceptionsOf,
  HOUR,
  intervalSchedule,
  isReadable,
  MINUTE,
  SECOND,
  show,
  utc,
} from '../../../support/schedule.ts';

const readable = cronFive.filter(isReadable);
const policies = fc.record({
  dstGap: fc.constantFrom('SHIFT' as const, 'SKIP' as const),
  dstOverlap: fc.constantFrom('FIRST' as const, 'BOTH' as const),
});
const change = fc.constantFrom(...changes);
/** Dense in the small hours, where clocks change. */
const nightly = fc
  .tuple(cronField(0, 59), fc.oneof(cronField(0, 3), fc.constantFrom('*', '22-23', '*/2', '1-3')))
  .map((fields) => `${fields.join(' ')} * * *`);
const toTheSecond = fc
  .tuple(cronField(0, 59), fc.constantFrom('30', '0,59', '*/20', '*'), fc.constantFrom('1', '2', '0,3'))
  .map((fields) => `${fields.join(' ')} * * *`);
const expressions = fc.array(fc.oneof(nightly, readable, toTheSecond), { minLength: 1, maxLength: 4 });
const covering = fc.array(
  fc.oneof(nightly, cronFive, fc.constantFrom('* 2 * * *', '* * * * *', '*/2 * * * *', '0-29 0-3 * * 0')),
  { maxLength: 3 },
);

/** Exceptions that have to do with the days around a time. */
function exceptionsAround(at: number, timeZone: string): fc.Arbitrary<Exceptions> {
  const day = fc.integer({ min: -2, max: 2 });
  const span = fc
    .tuple(fc.integer({ min: -36 * 60, max: 36 * 60 }), fc.integer({ min: 1, max: 10 * HOUR }))
    .map(([minutes, length]) => ({ startAt: at + minutes * MINUTE, endAt: at + minutes * MINUTE + length }));
  return fc.record({
    timeZone: fc.constant(timeZone),
    dates: fc.array(
      day.map((days) => new Date(at + days * DAY).toISOString().slice(0, 10)),
      { maxLength: 2 },
    ),
    spans: fc.array(span, { maxLength: 3 }),
    crons: covering,
  });
}

/** Asks for the times in [from, to) forwards, backwards and by number. */
function hasJust(
  schedule: Schedule,
  anchorAt: number,
  [from, to]: [number, number],
  expected: number[],
): void {
  const forwards: number[] = [];
  for (let at = nextNominal(schedule, anchorAt, from - 1); at !== null && at < to; ) {
    forwards.push(at);
    at = nextNominal(schedule, anchorAt, at);
  }
  assert.deepEqual(forwards, expected);
  const backwards: number[] = [];
  for (let at = latestNominal(schedule, anchorAt, to - 1); at !== null && at >= from; ) {
    backwards.unshift(at);
    at = latestNominal(schedule, anchorAt, at - 1);
  }
  assert.deepEqual(backwards, expected);
  assert.equal(countNominals(schedule, anchorAt, from - 1, to - 1), expected.length);
}

function timesIn(schedule: Schedule, [from, to]: [number, number]): number[] {
  const times: number[] = [];
  for (
    let at = nextNominal(schedule, 0, from - 1);
    at !== null && at < to;
    at = nextNominal(schedule, 0, at)
  ) {
    times.push(at);
  }
  return times;
}

describe('several crons', () => {
  it('ring at the times of each, once where two of them meet', () => {
    const schedule = cronsSchedule(['0 9 * * MON-FRI', '0 9,12 * * SAT', '0 12 * * SAT']);
    assert.deepEqual(nominalTimes(schedule, 0, utc('2026-12-03T10:00Z'), 5).map(show), [
      '2026-12-04T09:00Z',
      '2026-12-05T09:00Z',
      '2026-12-05T12:00Z',
      '2026-12-07T09:00Z',
      '2026-12-08T09:00Z',
    ]);
  });

  it('go each by its own rule where clocks change: an hourly one through both passes, a nightly one once', () => {
    const schedule = cronsSchedule(['10 * * * *', '30 1 * * *'], { timeZone: 'America/New_York' });
    assert.deepEqual(nominalTimes(schedule, 0, utc('2024-11-03T05:00Z'), 4).map(show), [
      '2024-11-03T05:10Z',
      '2024-11-03T05:30Z',
      '2024-11-03T06:10Z',
      '2024-11-03T07:10Z',
    ]);
  });

  it('have just the times that each of them has, around any change of the clocks', () => {
    fc.assert(
      fc.property(
        change,
        expressions,
        policies,
        fc.integer({ min: 0, max: 36 * HOUR }),
        (c, list, policy, lead) => {
          const span: [number, number] = [c.at - lead, c.at - lead + 2 * DAY];
          const inZone = { timeZone: c.zone, ...policy };
          const expected = new Set(
            list.flatMap((expression) => timesIn(cronSchedule(expression, inZone), span)),
          );
          hasJust(
            cronsSchedule(list, inZone),
            0,
            span,
            [...expected].sort((a, b) => a - b),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('exceptions', () => {
  it('leave out local days, spans and the minutes of crons', () => {
    const exceptions = exceptionsOf({
      timeZone: 'Europe/Vienna',
      dates: ['2026-12-24'],
      spans: [{ startAt: utc('2026-12-28T00:00Z'), endAt: utc('2026-12-29T08:00Z') }],
      crons: ['* * * * SAT,SUN'],
    });
    const schedule = cronSchedule('0 9 * * *', { timeZone: 'Europe/Vienna' }, { exceptions });
    assert.deepEqual(nominalTimes(schedule, 0, utc('2026-12-23T00:00Z'), 4).map(show), [
      '2026-12-23T08:00Z',
      '2026-12-25T08:00Z',
      '2026-12-29T08:00Z',
      '2026-12-30T08:00Z',
    ]);
  });

  it('cover the whole of a minute', () => {
    const exceptions = exceptionsOf({ crons: ['0 * * * *'] });
    const schedule = everySchedule(25 * SECOND, { startAt: utc('2026-01-01T00:00Z'), exceptions });
    assert.deepEqual(
      nominalTimes(schedule, 0, 0, 3).map((at) => new Date(at).toISOString().slice(11, 19)),
      ['00:01:15', '00:01:40', '00:02:05'],
    );
  });

  it('are judged by what the clock shows when a run rings, after it was shifted', () => {
    const inZone = { timeZone: 'America/New_York' };
    const from = utc('2024-03-10T05:00Z');
    const at = (crons: string[]) => {
      const exceptions = exceptionsOf({ ...inZone, crons });
      return show(nextNominal(cronSchedule('30 2 * * *', inZone, { exceptions }), 0, from));
    };
    assert.equal(at([]), '2024-03-10T07:30Z');
    assert.equal(at(['* 3 * * *']), '2024-03-11T06:30Z');
    assert.equal(at(['* 2 * * *']), '2024-03-10T07:30Z');
  });

  it('that never match leave everything as it is', () => {
    const exceptions = exceptionsOf({ dates: ['2001-01-01'], crons: ['0 0 30 2 *'] });
    const from = utc('2026-01-01T00:00Z');
    for (const plain of [cronSchedule('*/7 * * * *'), everySchedule(11 * MINUTE)]) {
      assert.deepEqual(
        nominalTimes({ ...plain, exceptions }, from, from, 300),
        nominalTimes(plain, from, from, 300),
      );
    }
  });

  it('that cover everything leave nothing, of crons and of periods', () => {
    const from = utc('2026-01-01T00:00Z');
    const plans = [cronSchedule('*/7 * * * *'), everySchedule(11 * SECOND), cronSchedule('0 0 29 2 1')];
    for (const plain of plans) {
      for (const crons of [['* * * * *'], ['*/2 * * * *', '1-59/2 * * * *']]) {
        const schedule = { ...plain, exceptions: exceptionsOf({ crons }) };
        assert.equal(nextNominal(schedule, from, from), null);
        assert.equal(latestNominal(schedule, from, from + DAY), null);
        assert.equal(countNominals(schedule, from, from, from + 30 * DAY), 0);
      }
    }
  });

  it('find the one run of many years that they leave', () => {
    const exceptions = exceptionsOf({
      crons: ['* * * 1-11 *', '* * 1-30 12 *', '* 0-22 * * *', '0-58 * * * *'],
    });
    const from = utc('2026-01-01T00:00Z');
    for (const plain of [everySchedule(MINUTE), cronSchedule('* * * * *')]) {
      const schedule = { ...plain, exceptions };
      assert.equal(show(nextNominal(schedule, from, from)), '2026-12-31T23:59Z');
      assert.equal(show(latestNominal(schedule, from, utc('2028-07-01T00:00Z'))), '2027-12-31T23:59Z');
    }
  });

  it('leave just what they do not cover of crons, around any change of the clocks', () => {
    fc.assert(
      fc.property(
        change.chain((c) => fc.tuple(fc.constant(c), exceptionsAround(c.at, c.zone))),
        expressions,
        policies,
        fc.integer({ min: 0, max: 36 * HOUR }),
        ([c, exceptions], list, policy, lead) => {
          const span: [number, number] = [c.at - lead, c.at - lead + 2 * DAY];
          const plain = cronsSchedule(list, { timeZone: c.zone, ...policy });
          const expected = leftByHand(exceptions, timesIn(plain, span));
          hasJust({ ...plain, exceptions }, 0, span, expected);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('leave just what they do not cover of a period, around any change of the clocks', () => {
    fc.assert(
      fc.property(
        change.chain((c) => fc.tuple(fc.constant(c), exceptionsAround(c.at, c.zone))),
        fc.oneof(fc.integer({ min: 30 * SECOND, max: 3 * HOUR }), fc.constantFrom(MINUTE, HOUR, 7 * MINUTE)),
        fc.integer({ min: 0, max: 36 * HOUR }),
        ([c, exceptions], periodMs, lead) => {
          const span: [number, number] = [c.at - lead, c.at - lead + 2 * DAY];
          const anchor = span[0] - 5 * DAY;
          const plain = everySchedule(periodMs);
          const all: number[] = [];
          for (let at = anchor + periodMs; at < span[1]; at += periodMs) if (at >= span[0]) all.push(at);
          hasJust({ ...plain, exceptions }, anchor, span, leftByHand(exceptions, all));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('go for a year of missed runs without going through each', () => {
    const exceptions = exceptionsOf({ dates: ['2026-12-24'], crons: ['* 0-5 * * *'] });
    const schedule = cronsSchedule(['* * * * * *', '0 9 * * *'], {}, { exceptions });
    const from = utc('2026-01-01T00:00Z');
    assert.equal(countNominals(schedule, 0, from - 1, from + 365 * DAY - 1), 364 * 18 * 3600);
    // Beyond a year it is an estimate.
    const years = countNominals(schedule, 0, from - 1, from + 3650 * DAY - 1);
    assert.ok(Math.abs(years / (3650 * 18 * 3600) - 1) < 0.01, String(years));
  });

  it('leave runs that are found after months of days that are left out alike, and end a search that finds none', () => {
    const next = (crons: string[], minutes = 2) => {
      const exceptions = exceptionsOf({ timeZone: 'Europe/Vienna', crons });
      const from = utc('2026-01-01T00:00Z');
      return show(nextNominal(everySchedule(minutes * MINUTE, { exceptions }), from, from));
    };
    // Every seven minutes, the runs of each day lie elsewhere.
    const allButOneMinute = ['* 1-23 * * *', '0-2,4-59 0 * * *'];
    assert.equal(next(allButOneMinute, 7), '2026-01-03T23:03Z');
    assert.equal(next(['*/2 * * 1-11 *']), '2026-11-30T23:00Z');
    assert.equal(next(['*/2 * * 1-11 *', '*/2 * 1-30 * *', '*/2 0-22 * * *']), '2026-12-31T22:00Z');
    assert.equal(next(['*/2 * * * *']), null);
    assert.equal(next(['*/2 * * * *', '1-59/2 * * * MON,THU', '* * */3 * *']), null);
  });
});

describe('an interval', () => {
  const at = (text: string) => ({ startAt: utc(text) });
  const days = (schedule: Schedule, count: number) =>
    nominalTimes(schedule, 0, schedule.startAt! - 1, count).map((time) => show(time)!.slice(0, 10));

  it('of weeks rings on its weekdays in every other week, counted from the week of its start', () => {
    // 3 December 2026 is a Thursday.
    const schedule = intervalSchedule(
      { unit: 'WEEKS', count: 2, weekdays: ['MON', 'THU'] },
      {},
      at('2026-12-03T00:00Z'),
    );
    assert.deepEqual(days(schedule, 5), [
      '2026-12-03',
      '2026-12-14',
      '2026-12-17',
      '2026-12-28',
      '2026-12-31',
    ]);
  });

  it('of months rings on the last day of a month that is too short, and on the 31st again after it', () => {
    const schedule = intervalSchedule({ unit: 'MONTHS', daysOfMonth: [31] }, {}, at('2027-01-15T00:00Z'));
    assert.deepEqual(days(schedule, 5), [
      '2027-01-31',
      '2027-02-28',
      '2027-03-31',
      '2027-04-30',
      '2027-05-31',
    ]);
  });

  it('rings once where two of its days are the last of a short month', () => {
    const schedule = intervalSchedule({ unit: 'MONTHS', daysOfMonth: [30, 31] }, {}, at('2027-02-01T00:00Z'));
    assert.deepEqual(days(schedule, 4), ['2027-02-28', '2027-03-30', '2027-03-31', '2027-04-30']);
  });

  it('rings on the weekday or the day of its start when it names none', () => {
    assert.deepEqual(days(intervalSchedule({ unit: 'WEEKS' }, {}, at('2026-12-03T00:00Z')), 2), [
      '2026-12-03',
      '2026-12-10',
    ]);
    assert.deepEqual(days(intervalSchedule({ unit: 'MONTHS', count: 3 }, {}, at('2026-11-30T00:00Z')), 3), [
      '2026-11-30',
      '2027-02-28',
      '2027-05-30',
    ]);
  });

  it('counts from the day that its start is in its zone', () => {
    const start = at('2026-12-03T23:30Z');
    assert.deepEqual(days(intervalSchedule({ count: 2 }, { timeZone: 'Asia/Kolkata' }, start), 2), [
      '2026-12-04',
      '2026-12-06',
    ]);
  });

  it('without a start counts from its anchor, and has not rung before it', () => {
    const anchor = utc('2026-12-03T10:00Z');
    const schedule = intervalSchedule({ count: 3, times: ['09:00', '11:00'] });
    assert.deepEqual(nominalTimes(schedule, anchor, anchor, 3).map(show), [
      '2026-12-03T11:00Z',
      '2026-12-06T09:00Z',
      '2026-12-06T11:00Z',
    ]);
  });

  it('keeps its local time where the clocks change, and goes by the policies in the gap', () => {
    const vienna = { timeZone: 'Europe/Vienna' };
    const nightly = intervalSchedule({ times: ['02:30:15'] }, vienna, at('2027-03-26T00:00Z'));
    const shown = (schedule: Schedule) =>
      nominalTimes(schedule, 0, schedule.startAt!, 4).map((time) =>
        new Date(time).toISOString().slice(5, 19),
      );
    assert.deepEqual(shown(nightly), [
      '03-26T01:30:15',
      '03-27T01:30:15',
      '03-28T01:30:15',
      '03-29T00:30:15',
    ]);
    const skips = intervalSchedule(
      { times: ['02:30'] },
      { ...vienna, dstGap: 'SKIP' },
      at('2027-03-27T00:00Z'),
    );
    assert.deepEqual(shown(skips).slice(0, 2), ['03-27T01:30:00', '03-29T00:30:00']);
  });

  /** Day by day, in the words of the documentation. */
  function byHand(
    interval: Interval,
    schedule: Schedule,
    anchor: number,
    [from, to]: [number, number],
  ): number[] {
    const { when } = schedule;
    assert.ok(when.kind === 'interval');
    const { timeZone, dstGap, dstOverlap } = when;
    const dayOf = (instant: number) => Math.floor((instant + offsetAt(timeZone, instant)) / DAY);
    const anchorDay = dayOf(anchor);
    const anchorDate = new Date(anchorDay * DAY);
    const mondayOf = (day: number) => day - ((new Date(day * DAY).getUTCDay() + 6) % 7);
    const found = new Set<number>();
    for (let day = dayOf(from) - 2; day <= dayOf(to) + 2; day++) {
      const date = new Date(day * DAY);
      const weekday = WEEKDAYS[(date.getUTCDay() + 6) % 7]!;
      const weekdays = interval.weekdays.length
        ? interval.weekdays
        : [WEEKDAYS[(anchorDate.getUTCDay() + 6) % 7]!];
      const monthsOn =
        (date.getUTCFullYear() - anchorDate.getUTCFullYear()) * 12 +
        date.getUTCMonth() -
        anchorDate.getUTCMonth();
      const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
      const daysOfMonth = interval.daysOfMonth.length ? interval.daysOfMonth : [anchorDate.getUTCDate()];
      const rings = {
        DAYS: (day - anchorDay) % interval.count === 0,
        WEEKS:
          ((mondayOf(day) - mondayOf(anchorDay)) / 7) % interval.count === 0 && weekdays.includes(weekday),
        MONTHS:
          monthsOn % interval.count === 0 &&
          daysOfMonth.some((wanted) => Math.min(wanted, length) === date.getUTCDate()),
      };
      if (!rings[interval.unit]) continue;
      for (const time of interval.times) {
        const reading = readWall(timeZone, Date.parse(`${date.toISOString().slice(0, 10)}T${time}Z`));
        if (reading.kind === 'one') found.add(reading.instant);
        if (reading.kind === 'gap' && dstGap === 'SHIFT') found.add(reading.instant);
        if (reading.kind !== 'two') continue;
        found.add(reading.first);
        if (dstOverlap === 'BOTH') found.add(reading.second);
      }
    }
    return [...found].filter((time) => time >= from && time < to).sort((a, b) => a - b);
  }

  const time = fc
    .tuple(
      fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 23 })),
      fc.integer({ min: 0, max: 59 }),
    )
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
  const intervals: fc.Arbitrary<Interval> = fc.oneof(
    fc.record({
      unit: fc.constant('DAYS' as const),
      count: fc.integer({ min: 1, max: 40 }),
      times: fc.array(time, { minLength: 1, maxLength: 4 }),
      weekdays: fc.constant([]),
      daysOfMonth: fc.constant([]),
    }),
    fc.record({
      unit: fc.constant('WEEKS' as const),
      count: fc.integer({ min: 1, max: 6 }),
      times: fc.array(time, { minLength: 1, maxLength: 4 }),
      weekdays: fc.array(fc.constantFrom(...WEEKDAYS), { maxLength: 4 }),
      daysOfMonth: fc.constant([]),
    }),
    fc.record({
      unit: fc.constant('MONTHS' as const),
      count: fc.integer({ min: 1, max: 15 }),
      times: fc.array(time, { minLength: 1, maxLength: 4 }),
      weekdays: fc.constant([]),
      daysOfMonth: fc.array(fc.integer({ min: 1, max: 31 }), { maxLength: 4 }),
    }),
  );

  it('has just the times that its definition gives, before its anchor and after, in any zone', () => {
    fc.assert(
      fc.property(
        change,
        intervals,
        policies,
        fc.integer({ min: -400, max: 400 }),
        fc.integer({ min: 1, max: 90 }),
        ({ zone, at: changeAt }, interval, policy, anchorDays, length) => {
          const anchor = changeAt + anchorDays * DAY + 5 * HOUR;
          const span: [number, number] = [changeAt - length * DAY, changeAt + length * DAY];
          const schedule = intervalSchedule(interval, { timeZone: zone, ...policy });
          hasJust(schedule, anchor, span, byHand(interval, schedule, anchor, span));
        },
      ),
      { numRuns: 300 },
    );
  });
});
