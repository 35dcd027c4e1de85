import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { parseCron } from '../../../src/domain/schedule/cron.ts';
import {
  countNominals,
  latestNominal,
  NOMINAL_MAX,
  nextNominal,
  nominalTimes,
} from '../../../src/domain/schedule/occurrences.ts';
import type { Schedule } from '../../../src/domain/schedule/schedule.ts';
import { offsetAt, readWall } from '../../../src/domain/schedule/zone.ts';
import { cronerReads, cronParserReads, nextByCroner, nextByCronParser } from '../../support/cron-oracles.ts';
import {
  aSchedule,
  atSchedule,
  changes,
  cronField,
  cronFive,
  cronSchedule,
  DAY,
  everySchedule,
  HOUR,
  isReadable,
  MINUTE,
  show,
  utc,
} from '../../support/schedule.ts';

/** The next times after one, to be read. */
function after(schedule: Schedule, from: string, count: number): (string | null)[] {
  return nominalTimes(schedule, 0, utc(from), count).map(show);
}

const instants = fc.integer({ min: utc('2000-01-01T00:00Z'), max: utc('2037-01-01T00:00Z') });
const zones = fc.constantFrom(...changes.map(({ zone }) => zone), 'Asia/Kolkata', 'UTC', 'America/Sao_Paulo');
const readable = cronFive.filter(isReadable);

describe('the nominal times of every', () => {
  it('are the anchor and whole periods', () => {
    const schedule = everySchedule(5_000);
    assert.deepEqual(nominalTimes(schedule, 1_000_003, 1_000_003, 3), [1_005_003, 1_010_003, 1_015_003]);
    assert.equal(nextNominal(schedule, 1_000_003, 1_010_002), 1_010_003);
    assert.equal(nextNominal(schedule, 1_000_003, 1_010_003), 1_015_003);
  });

  it('begin a period after the anchor, but with the start itself if there is one', () => {
    assert.equal(nextNominal(everySchedule(5_000), 1_000, -1), 6_000);
    assert.equal(nextNominal(everySchedule(5_000, { startAt: 1_000 }), 77, -1), 1_000);
  });

  it('do not drift, after 10¹² of them', () => {
    const periodMs = 217;
    const anchor = utc('2024-01-01T00:00:00.001Z');
    const last = anchor + 1e12 * periodMs;
    assert.equal(nextNominal(everySchedule(periodMs), anchor, last - 1), last);
    assert.equal(nextNominal(everySchedule(periodMs), anchor, last), last + periodMs);
    assert.equal(countNominals(everySchedule(periodMs), anchor, anchor, last), 1e12);
  });

  it('are where arithmetic says, for any period and anchor', () => {
    const periods = fc.integer({ min: 1, max: 366 * DAY });
    fc.assert(
      fc.property(periods, instants, fc.integer({ min: 0, max: 1e14 }), (periodMs, anchor, since) => {
        const schedule = everySchedule(periodMs);
        const next = nextNominal(schedule, anchor, anchor + since)!;
        assert.equal((next - anchor) % periodMs, 0);
        assert.ok(next > anchor + since && next - periodMs <= anchor + since);
        assert.equal(countNominals(schedule, anchor, anchor, next), (next - anchor) / periodMs);
        assert.equal(latestNominal(schedule, anchor, next), next);
        assert.equal(
          latestNominal(schedule, anchor, next - 1),
          next - periodMs > anchor ? next - periodMs : null,
        );
      }),
    );
  });

  it('may be written as @every in cron', () => {
    const times = nominalTimes(cronSchedule('@every 90s'), 7, 7, 2);
    assert.deepEqual(times, [90_007, 180_007]);
    assert.deepEqual(nominalTimes(cronSchedule('@every 90s', {}, { startAt: 500 }), 7, 7, 2), [500, 90_500]);
  });
});

describe('the nominal time of at', () => {
  it('is that one', () => {
    assert.deepEqual(nominalTimes(atSchedule(500), 0, 499, 5), [500]);
    assert.deepEqual(nominalTimes(atSchedule(500), 0, 500, 5), []);
    assert.equal(latestNominal(atSchedule(500), 0, 499), null);
    assert.equal(latestNominal(atSchedule(500), 0, 10_000), 500);
    assert.equal(countNominals(atSchedule(500), 0, 0, 10_000), 1);
    assert.equal(countNominals(atSchedule(500), 0, 500, 10_000), 0);
  });

  it('is none outside start and end', () => {
    assert.equal(nextNominal(atSchedule(500, { startAt: 501 }), 0, 0), null);
    assert.equal(nextNominal(atSchedule(500, { endAt: 500 }), 0, 0), null);
    assert.equal(nextNominal(atSchedule(500, { startAt: 500, endAt: 501 }), 0, 0), 500);
  });
});

describe('start and end', () => {
  it('bound the nominal times: from the start, before the end', () => {
    const window = { startAt: utc('2024-05-02T00:00Z'), endAt: utc('2024-05-04T00:00Z') };
    for (const schedule of [cronSchedule('@daily', {}, window), everySchedule(DAY, window)]) {
      assert.deepEqual(after(schedule, '2024-04-01T00:00Z', 9), ['2024-05-02T00:00Z', '2024-05-03T00:00Z']);
      assert.equal(show(latestNominal(schedule, 0, utc('2025-01-01T00:00Z'))), '2024-05-03T00:00Z');
      assert.equal(latestNominal(schedule, 0, utc('2024-05-01T23:00Z')), null);
      assert.equal(countNominals(schedule, 0, 0, utc('2025-01-01T00:00Z')), 2);
    }
  });

  it('are followed by nothing after the year 9999', () => {
    for (const schedule of [cronSchedule('@yearly'), everySchedule(DAY)]) {
      assert.equal(nextNominal(schedule, 0, NOMINAL_MAX), null);
      assert.equal(nextNominal(schedule, 0, Number.MAX_SAFE_INTEGER), null);
    }
  });
});

describe('cron where the clocks are put forward', () => {
  const newYork = { timeZone: 'America/New_York' };

  it('shifts a run out of the gap by its length', () => {
    assert.deepEqual(after(cronSchedule('30 2 * * *', newYork), '2024-03-09T06:00Z', 3), [
      '2024-03-09T07:30Z',
      '2024-03-10T07:30Z',
      '2024-03-11T06:30Z',
    ]);
  });

  it('leaves it out with SKIP', () => {
    assert.deepEqual(
      after(cronSchedule('30 2 * * *', { ...newYork, dstGap: 'SKIP' }), '2024-03-09T06:00Z', 2),
      ['2024-03-09T07:30Z', '2024-03-11T06:30Z'],
    );
  });

  it('fires once where a shifted run meets another', () => {
    assert.deepEqual(after(cronSchedule('30 2,3 * * *', newYork), '2024-03-10T05:00Z', 3), [
      '2024-03-10T07:30Z',
      '2024-03-11T06:30Z',
      '2024-03-11T07:30Z',
    ]);
  });

  it('keeps shifted runs and those after the gap in order', () => {
    assert.deepEqual(after(cronSchedule('45 2,3 * * *', newYork), '2024-03-10T05:00Z', 1), [
      '2024-03-10T07:45Z',
    ]);
    // 02:50 is shifted to 03:50, behind 03:10, which exists.
    assert.deepEqual(after(cronSchedule('10,50 2-3 * * *', newYork), '2024-03-10T06:30Z', 3), [
      '2024-03-10T07:10Z',
      '2024-03-10T07:50Z',
      '2024-03-11T06:10Z',
    ]);
    assert.deepEqual(after(cronSchedule('10 3 * * *', newYork), '2024-03-10T06:30Z', 1), [
      '2024-03-10T07:10Z',
    ]);
  });

  it('goes by elapsed time when it runs every hour', () => {
    assert.deepEqual(after(cronSchedule('*/30 * * * *', newYork), '2024-03-10T06:00Z', 3), [
      '2024-03-10T06:30Z',
      '2024-03-10T07:00Z',
      '2024-03-10T07:30Z',
    ]);
  });

  it('shifts by half an hour on Lord Howe', () => {
    assert.deepEqual(
      after(cronSchedule('15 2 * * *', { timeZone: 'Australia/Lord_Howe' }), '2024-10-05T12:00Z', 2),
      ['2024-10-05T15:45Z', '2024-10-06T15:15Z'],
    );
  });

  it('shifts midnight in Cairo, where the day begins at one', () => {
    assert.deepEqual(after(cronSchedule('@daily', { timeZone: 'Africa/Cairo' }), '2024-04-24T23:00Z', 2), [
      '2024-04-25T22:00Z',
      '2024-04-26T21:00Z',
    ]);
  });

  it('shifts the day that Samoa never had to the next, where it meets the run of that', () => {
    assert.deepEqual(
      after(cronSchedule('0 12 * * *', { timeZone: 'Pacific/Apia' }), '2011-12-29T00:00Z', 3),
      ['2011-12-29T22:00Z', '2011-12-30T22:00Z', '2011-12-31T22:00Z'],
    );
    assert.deepEqual(
      after(cronSchedule('0 12 30 12 *', { timeZone: 'Pacific/Apia' }), '2011-01-01T00:00Z', 2),
      ['2011-12-30T22:00Z', '2012-12-29T22:00Z'],
    );
    const skip = cronSchedule('0 12 30 12 *', { timeZone: 'Pacific/Apia', dstGap: 'SKIP' });
    assert.deepEqual(after(skip, '2011-01-01T00:00Z', 1), ['2012-12-29T22:00Z']);
  });

  it('follows Casablanca out of Ramadan', () => {
    assert.deepEqual(
      after(cronSchedule('30 2 * * *', { timeZone: 'Africa/Casablanca' }), '2024-04-13T00:00Z', 3),
      ['2024-04-13T02:30Z', '2024-04-14T02:30Z', '2024-04-15T01:30Z'],
    );
  });

  it('shifts midnight of the nearest weekday in Cairo, where clocks change on a Friday', () => {
    // 27 April 2024 was a Saturday, so 27W was Friday the 26th, which began at one.
    const cairo = { timeZone: 'Africa/Cairo' };
    assert.deepEqual(after(cronSchedule('0 0 27W * *', cairo), '2024-04-01T00:00Z', 2), [
      '2024-04-25T22:00Z',
      '2024-05-26T21:00Z',
    ]);
    const skip = cronSchedule('0 0 27W * *', { ...cairo, dstGap: 'SKIP' });
    assert.deepEqual(after(skip, '2024-04-01T00:00Z', 1), ['2024-05-26T21:00Z']);
  });

  it('moves a nearest weekday off a Sunday on which clocks change, and rings at its usual time', () => {
    assert.deepEqual(after(cronSchedule('30 2 10W 3 *', newYork), '2024-03-09T06:00Z', 1), [
      '2024-03-11T06:30Z',
    ]);
  });

  it('shifts the last weekday of 2011, which Samoa never had, out of its month', () => {
    // 31 December was a Saturday, and Friday the 30th was left out.
    const schedule = cronSchedule('0 12 LW 12 *', { timeZone: 'Pacific/Apia' });
    assert.deepEqual(after(schedule, '2011-01-01T00:00Z', 2), ['2011-12-30T22:00Z', '2012-12-30T22:00Z']);
  });

  it('gives up on a time that never exists', () => {
    const schedule = cronSchedule('30 2 * 3 0#2', { ...newYork, dstGap: 'SKIP' });
    assert.equal(nextNominal(schedule, 0, utc('2024-01-01T00:00Z')), null);
  });
});

describe('cron where the clocks are put back', () => {
  const newYork = { timeZone: 'America/New_York' };

  it('fires at the first of two', () => {
    assert.deepEqual(after(cronSchedule('30 1 * * *', newYork), '2024-11-03T00:00Z', 2), [
      '2024-11-03T05:30Z',
      '2024-11-04T06:30Z',
    ]);
  });

  it('does not fire at the second, asked from between or from within', () => {
    const schedule = cronSchedule('30 1 * * *', newYork);
    for (const from of ['2024-11-03T05:30Z', '2024-11-03T06:00Z', '2024-11-03T06:29Z', '2024-11-03T06:30Z']) {
      assert.deepEqual(after(schedule, from, 1), ['2024-11-04T06:30Z'], from);
    }
  });

  it('fires at both with BOTH', () => {
    assert.deepEqual(
      after(cronSchedule('30 1 * * *', { ...newYork, dstOverlap: 'BOTH' }), '2024-11-03T00:00Z', 3),
      ['2024-11-03T05:30Z', '2024-11-03T06:30Z', '2024-11-04T06:30Z'],
    );
  });

  it('runs through both passes when it runs every hour, whatever the policy', () => {
    for (const dstOverlap of ['FIRST', 'BOTH'] as const) {
      assert.deepEqual(
        after(cronSchedule('30 * * * *', { ...newYork, dstOverlap }), '2024-11-03T05:00Z', 3),
        ['2024-11-03T05:30Z', '2024-11-03T06:30Z', '2024-11-03T07:30Z'],
      );
    }
  });

  it('repeats half an hour on Lord Howe', () => {
    const lordHowe = { timeZone: 'Australia/Lord_Howe' };
    assert.deepEqual(after(cronSchedule('*/15 1 * * *', lordHowe), '2024-04-06T14:00Z', 4), [
      '2024-04-06T14:15Z',
      '2024-04-06T14:30Z',
      '2024-04-06T14:45Z',
      '2024-04-07T14:30Z',
    ]);
  });

  it('repeats the last hour of a day in Cairo', () => {
    assert.deepEqual(
      after(cronSchedule('30 23 * * *', { timeZone: 'Africa/Cairo' }), '2024-10-31T00:00Z', 2),
      ['2024-10-31T20:30Z', '2024-11-01T21:30Z'],
    );
  });

  it('repeats an hour of the last weekday in Cairo, on the last day of October', () => {
    const times = (dstOverlap: 'FIRST' | 'BOTH') =>
      after(
        cronSchedule('30 23 LW 10,11 *', { timeZone: 'Africa/Cairo', dstOverlap }),
        '2024-10-31T00:00Z',
        2,
      );
    assert.deepEqual(times('FIRST'), ['2024-10-31T20:30Z', '2024-11-29T21:30Z']);
    assert.deepEqual(times('BOTH'), ['2024-10-31T20:30Z', '2024-10-31T21:30Z']);
  });

  it('repeats an hour when Ramadan begins in Casablanca', () => {
    assert.deepEqual(
      after(cronSchedule('30 2 * * *', { timeZone: 'Africa/Casablanca' }), '2024-03-09T12:00Z', 2),
      ['2024-03-10T01:30Z', '2024-03-11T02:30Z'],
    );
  });

  it('repeats an hour in Dublin, where winter is the exception', () => {
    assert.deepEqual(
      after(cronSchedule('30 1 * * *', { timeZone: 'Europe/Dublin' }), '2024-10-26T12:00Z', 2),
      ['2024-10-27T00:30Z', '2024-10-28T01:30Z'],
    );
  });

  it('repeats a whole day on Kwajalein', () => {
    const kwajalein = { timeZone: 'Pacific/Kwajalein' };
    const first = after(cronSchedule('30 12 * * *', kwajalein), '1969-09-29T12:00Z', 3);
    const both = after(
      cronSchedule('30 12 * * *', { ...kwajalein, dstOverlap: 'BOTH' }),
      '1969-09-29T12:00Z',
      3,
    );
    assert.deepEqual(first, ['1969-09-30T01:30Z', '1969-10-02T00:30Z', '1969-10-03T00:30Z']);
    assert.deepEqual(both, ['1969-09-30T01:30Z', '1969-10-01T00:30Z', '1969-10-02T00:30Z']);
  });
});

describe('cron', () => {
  /** By the definition: each wall time that matches, read in the zone, by the policies. */
  function byDefinition(schedule: Schedule, from: number, to: number): number[] {
    const { when } = schedule;
    assert.ok(when.kind === 'cron');
    const parsed = parseCron(when.expression);
    assert.ok(parsed.kind === 'calendar');
    const found = new Set<number>();
    const last = to + 2 * DAY;
    for (let wall = parsed.calendar.next(from - 2 * DAY); wall !== null && wall < last; ) {
      const reading = readWall(when.timeZone, wall);
      if (reading.kind === 'one') found.add(reading.instant);
      if (reading.kind === 'two') {
        found.add(reading.first);
        if (when.dstOverlap === 'BOTH' || parsed.everyHour) found.add(reading.second);
      }
      if (reading.kind === 'gap' && when.dstGap === 'SHIFT' && !parsed.everyHour) found.add(reading.instant);
      wall = parsed.calendar.next(wall + 1);
    }
    return [...found].filter((at) => at >= from && at < to).sort((a, b) => a - b);
  }

  const policies = fc.record({
    dstGap: fc.constantFrom('SHIFT' as const, 'SKIP' as const),
    dstOverlap: fc.constantFrom('FIRST' as const, 'BOTH' as const),
  });
  /** Dense enough around midnight and the small hours to meet the changes. */
  const nightly = fc
    .tuple(cronField(0, 59), fc.oneof(cronField(0, 3), fc.constantFrom('*', '22-23', '*/2', '1-3')))
    .map((fields) => `${fields.join(' ')} * * *`);

  it('has, around a change, just the times that its definition gives', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...changes),
        fc.oneof(nightly, readable),
        policies,
        fc.integer({ min: 0, max: 36 * HOUR }),
        ({ zone, at }, expression, policy, lead) => {
          const schedule = cronSchedule(expression, { timeZone: zone, ...policy });
          const [from, to] = [at - lead, at - lead + 2 * DAY];
          const expected = byDefinition(schedule, from, to);
          const found = nominalTimes(schedule, 0, from - 1, expected.length + 1);
          assert.deepEqual(found.slice(0, expected.length).map(show), expected.map(show));
          assert.ok((found[expected.length] ?? Number.POSITIVE_INFINITY) >= to);
          assert.equal(countNominals(schedule, 0, from - 1, to - 1), expected.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has each second once around a change, as far as the policies let it', () => {
    for (const { zone, at, byMs } of changes) {
      const count = (dstGap: 'SHIFT' | 'SKIP', dstOverlap: 'FIRST' | 'BOTH', hours: string) => {
        const schedule = cronSchedule(`* * ${hours} * * *`, { timeZone: zone, dstGap, dstOverlap });
        return countNominals(schedule, 0, at - 3 * DAY, at + 3 * DAY);
      };
      const all = (6 * DAY) / 1000;
      assert.equal(count('SHIFT', 'FIRST', '*'), all, zone);
      // An even hour or an odd one: a list of all would be every hour.
      assert.equal(count('SKIP', 'BOTH', '*/2') + count('SKIP', 'BOTH', '1-23/2'), all, `${zone} ${byMs}`);
    }
  });

  it('goes back as it came', () => {
    const times = fc.oneof(
      instants,
      fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -DAY, max: DAY })).map(([c, ms]) => c.at + ms),
    );
    fc.assert(
      fc.property(readable, zones, policies, times, (expression, timeZone, policy, at) => {
        const schedule = cronSchedule(expression, { timeZone, ...policy });
        const next = nextNominal(schedule, 0, at);
        if (next === null) return;
        assert.ok(next > at);
        assert.equal(nextNominal(schedule, 0, next - 1), next);
        assert.equal(latestNominal(schedule, 0, next), next);
        const before = latestNominal(schedule, 0, at)!;
        assert.ok(before <= at);
        assert.equal(nextNominal(schedule, 0, before), next);
        // Exact up to ten years; there are days that a cron with both day fields matches more seldom.
        if (next - before < 10 * 365 * DAY) assert.equal(countNominals(schedule, 0, before, next), 1);
      }),
      { numRuns: 400 },
    );
  });

  it('counts parts that add up to the whole, over years of changes', () => {
    fc.assert(
      fc.property(
        readable,
        zones,
        policies,
        instants,
        fc.integer({ min: 1, max: 900 }),
        (expression, timeZone, policy, from, days) => {
          const schedule = cronSchedule(expression, { timeZone, ...policy });
          const to = from + days * DAY;
          const middle = nextNominal(schedule, 0, from + (days * DAY) / 3) ?? from;
          if (middle > to) return;
          const parts = countNominals(schedule, 0, from, middle) + countNominals(schedule, 0, middle, to);
          assert.equal(countNominals(schedule, 0, from, to), parts);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('counts a century to within its changes of the clocks', () => {
    const schedule = cronSchedule('30 * * * *', { timeZone: 'America/New_York' });
    const [from, to] = [utc('1990-01-01T00:00Z'), utc('2090-01-01T00:00Z')];
    assert.ok(Math.abs(countNominals(schedule, 0, from, to) - (to - from) / HOUR) <= 200);
  });

  /** Whether the zone's offset is the same from two days before the one to two days after the other. */
  function isQuiet(zone: string, from: number, to: number): boolean {
    for (let at = from - 2 * DAY; at <= to + 2 * DAY; at += DAY) {
      if (offsetAt(zone, at) !== offsetAt(zone, from)) return false;
    }
    return true;
  }

  /** The next time, unless clocks change around it or it is too far away to look at each day before it. */
  function nextInQuiet(expression: string, timeZone: string, at: number): number | undefined {
    const next = nextNominal(cronSchedule(expression, { timeZone }), 0, at)!;
    const quiet = next - at <= 400 * DAY && isQuiet(timeZone, at, at) && isQuiet(timeZone, next, next);
    return quiet ? next : undefined;
  }

  it('agrees with croner where no clocks change', () => {
    fc.assert(
      fc.property(readable.filter(cronerReads), zones, instants, (expression, timeZone, at) => {
        const next = nextInQuiet(expression, timeZone, at);
        if (next !== undefined) assert.equal(show(next), show(nextByCroner(expression, at, timeZone)));
      }),
      { numRuns: 200 },
    );
  });

  it('agrees with cron-parser where no clocks change', () => {
    fc.assert(
      fc.property(readable.filter(cronParserReads), zones, instants, (expression, timeZone, at) => {
        const next = nextInQuiet(expression, timeZone, at);
        if (next !== undefined) assert.equal(show(next), show(nextByCronParser(expression, at, timeZone)));
      }),
      { numRuns: 200 },
    );
  });

  it('agrees with cron-parser on what becomes of a night run when the clocks change', () => {
    for (const expression of ['30 2 * * *', '30 1 * * *']) {
      for (const from of ['2024-03-09T12:00Z', '2024-11-02T12:00Z']) {
        const options = { currentDate: new Date(from), tz: 'America/New_York' };
        const theirs = CronExpressionParser.parse(expression, options).take(3);
        const ours = after(cronSchedule(expression, { timeZone: 'America/New_York' }), from, 3);
        assert.deepEqual(
          ours,
          theirs.map((date) => show(date.getTime())),
        );
      }
    }
  });
});

describe('a preview', () => {
  it('has as many times as asked for, and none for none', () => {
    assert.equal(nominalTimes(aSchedule(), 0, 0, 100).length, 100);
    assert.deepEqual(nominalTimes(aSchedule(), 0, 0, 0), []);
  });

  it('ends with the schedule', () => {
    assert.deepEqual(nominalTimes(everySchedule(MINUTE, { endAt: 3 * MINUTE }), 0, 0, 100), [
      MINUTE,
      2 * MINUTE,
    ]);
  });
});
