import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Calendar } from '../../../../src/domain/schedule/calendar/calendar.ts';
import { parseCron } from '../../../../src/domain/schedule/cron.ts';
import {
  cronerReads,
  cronParserReads,
  isDayByHand,
  nextByCroner,
  nextByCronParser,
  nextByHand,
} from '../../../support/cron-oracles.ts';
import {
  cronDayOfMonth,
  cronDayOfWeek,
  cronExpression,
  cronFive,
  cronMonth,
  DAY,
  HOUR,
  isReadable,
  show,
  utc,
} from '../../../support/schedule.ts';

const readable = cronExpression.filter(isReadable);
const readableFive = cronFive.filter(isReadable);

function calendarOf(expression: string): Calendar {
  const parsed = parseCron(expression);
  assert.ok(parsed.kind === 'calendar');
  return parsed.calendar;
}

/** The matches in [from, to). */
function datesIn(calendar: Calendar, from: number, to: number): number[] {
  const found: number[] = [];
  for (let at = calendar.next(from); at !== null && at < to; at = calendar.next(at + 1)) found.push(at);
  return found;
}

describe('the calendar of a cron expression', () => {
  const instants = fc.integer({ min: utc('1980-01-01T00:00Z'), max: utc('2080-01-01T00:00Z') });

  it('has the next match that a search by hand finds', () => {
    fc.assert(
      fc.property(readable, instants, (expression, at) => {
        assert.equal(show(calendarOf(expression).next(at + 1)), show(nextByHand(expression, at)));
      }),
      { numRuns: 500 },
    );
  });

  it('has the next match that croner finds', () => {
    fc.assert(
      fc.property(readable.filter(cronerReads), instants, (expression, at) => {
        assert.equal(show(calendarOf(expression).next(at + 1)), show(nextByCroner(expression, at)));
      }),
      { numRuns: 500 },
    );
  });

  it('has the next match that cron-parser finds', () => {
    fc.assert(
      fc.property(readable.filter(cronParserReads), instants, (expression, at) => {
        assert.equal(show(calendarOf(expression).next(at + 1)), show(nextByCronParser(expression, at)));
      }),
      { numRuns: 300 },
    );
  });

  it('has each day that a search by hand finds, in every month of 28 years', () => {
    // After 28 years the weekdays come back on the same dates.
    const days = fc.tuple(cronDayOfMonth, cronMonth, cronDayOfWeek).map((fields) => fields.join(' '));
    const [from, to] = [utc('2000-01-01T00:00Z'), utc('2028-01-01T00:00Z')];
    fc.assert(
      fc.property(days, (fields) => {
        const expression = `0 0 ${fields}`;
        const expected: number[] = [];
        for (let day = from; day < to; day += DAY) if (isDayByHand(expression, day)) expected.push(day);
        if (expected.length === 0) assert.throws(() => parseCron(expression), /never fires/);
        else assert.deepEqual(datesIn(calendarOf(expression), from, to), expected);
      }),
      { numRuns: 20 },
    );
  });

  it('has the previous match where it has none between that and the next', () => {
    fc.assert(
      fc.property(readable, instants, (expression, at) => {
        const calendar = calendarOf(expression);
        const before = calendar.previous(at)!;
        assert.ok(before < at);
        const after = calendar.next(at)!;
        assert.equal(calendar.next(before), before);
        assert.equal(calendar.next(before + 1), after);
        assert.equal(calendar.previous(after), before);
      }),
      { numRuns: 500 },
    );
  });

  it('counts what there is to find', () => {
    fc.assert(
      fc.property(readableFive, instants, fc.integer({ min: 0, max: 3 * DAY }), (expression, from, span) => {
        const calendar = calendarOf(expression);
        let found = 0;
        for (let at = calendar.next(from)!; at < from + span; at = calendar.next(at + 1)!) found++;
        assert.equal(calendar.count(from, from + span), found);
      }),
      { numRuns: 300 },
    );
  });

  it('counts parts that add up to the whole', () => {
    fc.assert(
      fc.property(readable, instants, instants, instants, (expression, ...times) => {
        const [a, b, c] = times.sort((x, y) => x - y) as [number, number, number];
        const calendar = calendarOf(expression);
        assert.equal(calendar.count(a, b) + calendar.count(b, c), calendar.count(a, c));
      }),
      { numRuns: 300 },
    );
  });

  it('counts a second for each in a century', () => {
    const [from, to] = [utc('1990-01-01T00:00Z'), utc('2090-01-01T00:00Z')];
    assert.equal(calendarOf('* * * * * *').count(from, to), (to - from) / 1000);
  });

  it('counts nothing where time goes back', () => {
    assert.equal(calendarOf('* * * * *').count(HOUR, 0), 0);
  });
});
