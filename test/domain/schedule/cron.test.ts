import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../../../src/domain/error.ts';
import type { Calendar } from '../../../src/domain/schedule/calendar/calendar.ts';
import { CRON_LENGTH_MAX, parseCron } from '../../../src/domain/schedule/cron.ts';
import { show, utc } from '../../support/schedule.ts';

function calendarOf(expression: string): Calendar {
  const parsed = parseCron(expression);
  assert.ok(parsed.kind === 'calendar');
  return parsed.calendar;
}

/** The first matches at a time or later. */
function matches(expression: string, from: string, count: number): (string | null)[] {
  const calendar = calendarOf(expression);
  const found: (string | null)[] = [];
  for (
    let next = calendar.next(utc(from));
    next !== null && found.length < count;
    next = calendar.next(next + 1)
  ) {
    found.push(show(next));
  }
  return found;
}

function refusal(expression: string): string {
  try {
    parseCron(expression, 'webhook.schedule.cron');
  } catch (error) {
    assert.ok(error instanceof DomainError);
    assert.equal(error.code, 'INVALID');
    assert.equal(error.violations.length, 1);
    assert.equal(error.violations[0]?.field, 'webhook.schedule.cron');
    return error.violations[0]?.description ?? '';
  }
  return assert.fail(`${JSON.stringify(expression)} was accepted`);
}

describe('a cron expression', () => {
  it('has five fields, or six with the second first', () => {
    assert.deepEqual(matches('30 9 * * *', '2024-01-01T10:00Z', 1), ['2024-01-02T09:30Z']);
    assert.deepEqual(matches('15 30 9 * * *', '2024-01-01T10:00Z', 1), ['2024-01-02T09:30:15Z']);
  });

  it('may have more than one blank between fields, and around them', () => {
    assert.deepEqual(matches(' 0\t0   * * 7 ', '2024-01-01T00:00Z', 1), ['2024-01-07T00:00Z']);
  });

  it('has lists, ranges and steps', () => {
    assert.deepEqual(matches('5,10-12,*/30 8-18/5 * * *', '2024-01-01T13:30Z', 4), [
      '2024-01-01T13:30Z',
      '2024-01-01T18:00Z',
      '2024-01-01T18:05Z',
      '2024-01-01T18:10Z',
    ]);
  });

  it('lets a range end beyond its field where no step gets there, as Vixie cron does', () => {
    assert.deepEqual(matches('5-60/10 * * * *', '2024-01-01T10:40Z', 3), [
      '2024-01-01T10:45Z',
      '2024-01-01T10:55Z',
      '2024-01-01T11:05Z',
    ]);
    assert.deepEqual(matches('0 0 23-32/13 * *', '2024-01-01T00:00Z', 2), [
      '2024-01-23T00:00Z',
      '2024-02-23T00:00Z',
    ]);
  });

  it('has names of months and weekdays, in any case', () => {
    assert.deepEqual(matches('0 0 * jan-Mar mon', '2024-03-20T00:00Z', 2), [
      '2024-03-25T00:00Z',
      '2025-01-06T00:00Z',
    ]);
  });

  it('counts Sunday as 0 and as 7, and lets a range end with it', () => {
    for (const sunday of ['0', '7', 'SUN']) {
      assert.deepEqual(matches(`0 0 * * ${sunday}`, '2024-01-01T00:00Z', 1), ['2024-01-07T00:00Z']);
    }
    assert.deepEqual(matches('0 0 * * FRI-SUN', '2024-01-06T01:00Z', 2), [
      '2024-01-07T00:00Z',
      '2024-01-12T00:00Z',
    ]);
  });

  it('takes a range that begins and ends with Sunday for one day, or for a week from 0 to 7', () => {
    const daysOf = (weekdays: string) =>
      matches(`0 0 * * ${weekdays}`, '2024-01-06T01:00Z', 3).map((day) => day?.slice(0, 10));
    const sundays = ['2024-01-07', '2024-01-14', '2024-01-21'];
    for (const weekdays of ['SUN-SUN', '0-SUN', '7-SUN', '0-0', '7-7', 'SUN-0', 'sun-Sun/2', '0-7/7']) {
      assert.deepEqual(daysOf(weekdays), sundays, weekdays);
    }
    for (const weekdays of ['0-7', 'SUN-7', 'MON-SUN', '1-7', 'SUN-SAT', '0-6']) {
      assert.deepEqual(daysOf(weekdays), ['2024-01-07', '2024-01-08', '2024-01-09'], weekdays);
    }
    assert.deepEqual(daysOf('SUN-MON'), ['2024-01-07', '2024-01-08', '2024-01-14']);
    assert.deepEqual(daysOf('WED-SUN/2'), ['2024-01-07', '2024-01-10', '2024-01-12']);
  });

  it('has L for the last day of the month', () => {
    assert.deepEqual(matches('0 0 L * *', '2024-01-31T01:00Z', 3), [
      '2024-02-29T00:00Z',
      '2024-03-31T00:00Z',
      '2024-04-30T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 15,L 2 *', '2025-01-01T00:00Z', 2), [
      '2025-02-15T00:00Z',
      '2025-02-28T00:00Z',
    ]);
  });

  it('has nW for the weekday nearest to a day, which never leaves the month', () => {
    // 15 June 2024 was a Saturday and 15 September a Sunday; 1 June was a Saturday, 1 September a Sunday.
    assert.deepEqual(matches('0 0 15W 6-9 *', '2024-06-01T00:00Z', 4), [
      '2024-06-14T00:00Z',
      '2024-07-15T00:00Z',
      '2024-08-15T00:00Z',
      '2024-09-16T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 1w 6-9 *', '2024-06-01T00:00Z', 4), [
      '2024-06-03T00:00Z',
      '2024-07-01T00:00Z',
      '2024-08-01T00:00Z',
      '2024-09-02T00:00Z',
    ]);
    // 30 June was a Sunday at the end of its month, and 30 March a Saturday before a Sunday.
    assert.deepEqual(matches('0 0 30W 3,6 *', '2024-03-01T00:00Z', 2), [
      '2024-03-29T00:00Z',
      '2024-06-28T00:00Z',
    ]);
  });

  it('has no nW in a month without that day', () => {
    // 31 March was a Sunday and 31 August a Saturday.
    assert.deepEqual(matches('0 0 31W * *', '2024-01-01T00:00Z', 7), [
      '2024-01-31T00:00Z',
      '2024-03-29T00:00Z',
      '2024-05-31T00:00Z',
      '2024-07-31T00:00Z',
      '2024-08-30T00:00Z',
      '2024-10-31T00:00Z',
      '2024-12-31T00:00Z',
    ]);
    // 29 February was a Tuesday, a Sunday, a Friday, a Wednesday, a Monday and a Saturday.
    assert.deepEqual(matches('0 0 29W 2 *', '2025-01-01T00:00Z', 6), [
      '2028-02-29T00:00Z',
      '2032-02-27T00:00Z',
      '2036-02-29T00:00Z',
      '2040-02-29T00:00Z',
      '2044-02-29T00:00Z',
      '2048-02-28T00:00Z',
    ]);
  });

  it('has LW for the last weekday of the month, on whatever day it ends', () => {
    // March 2024 ended on a Sunday, June on a Sunday, August on a Saturday, and July on a Wednesday.
    assert.deepEqual(matches('0 0 LW 3,6-8 *', '2024-01-01T00:00Z', 4), [
      '2024-03-29T00:00Z',
      '2024-06-28T00:00Z',
      '2024-07-31T00:00Z',
      '2024-08-30T00:00Z',
    ]);
    // February ends on Friday 28, Saturday 28, Sunday 28, Tuesday 29.
    assert.deepEqual(matches('0 0 lw 2 *', '2025-01-01T00:00Z', 4), [
      '2025-02-28T00:00Z',
      '2026-02-27T00:00Z',
      '2027-02-26T00:00Z',
      '2028-02-29T00:00Z',
    ]);
  });

  it('may have W in a list, where what falls on one day fires once', () => {
    // 15 June 2024 was a Saturday, so 14W and 15W are one day.
    assert.deepEqual(matches('0 0 14W,15W,20-21,LW 6 *', '2024-06-01T00:00Z', 5), [
      '2024-06-14T00:00Z',
      '2024-06-20T00:00Z',
      '2024-06-21T00:00Z',
      '2024-06-28T00:00Z',
      '2025-06-13T00:00Z',
    ]);
  });

  it('counts W and L as restrictions of the day of month', () => {
    assert.deepEqual(matches('0 0 15W * MON', '2024-06-08T00:00Z', 3), [
      '2024-06-10T00:00Z',
      '2024-06-14T00:00Z',
      '2024-06-17T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 LW * */5', '2024-01-01T00:00Z', 2), [
      '2024-03-29T00:00Z',
      '2024-05-31T00:00Z',
    ]);
  });

  it('has the last and the n-th weekday of a month', () => {
    assert.deepEqual(matches('0 0 * * 5L', '2024-02-01T00:00Z', 2), [
      '2024-02-23T00:00Z',
      '2024-03-29T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 * * FRI#3', '2024-02-01T00:00Z', 2), [
      '2024-02-16T00:00Z',
      '2024-03-15T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 * * 4#5', '2024-01-01T00:00Z', 2), [
      '2024-02-29T00:00Z',
      '2024-05-30T00:00Z',
    ]);
  });

  it('leaves out months that have no such day', () => {
    assert.deepEqual(matches('0 0 31 * *', '2024-01-31T01:00Z', 3), [
      '2024-03-31T00:00Z',
      '2024-05-31T00:00Z',
      '2024-07-31T00:00Z',
    ]);
  });

  it('finds leap days, also over the turn of a century', () => {
    assert.deepEqual(matches('0 0 29 2 *', '2024-02-29T00:00Z', 2), [
      '2024-02-29T00:00Z',
      '2028-02-29T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 29 2 *', '2096-03-01T00:00Z', 1), ['2104-02-29T00:00Z']);
  });

  it('finds the rarest day there is, a weekday on 29 February', () => {
    assert.deepEqual(matches('0 0 * 2 1#5', '2072-03-01T00:00Z', 1), ['2112-02-29T00:00Z']);
    assert.deepEqual(matches('0 0 * 2 1#5', '2500-01-01T00:00Z', 1), ['2512-02-29T00:00Z']);
  });

  it('goes over the end of the year', () => {
    assert.deepEqual(matches('59 59 23 31 12 *', '2024-12-31T23:59:59Z', 2), [
      '2024-12-31T23:59:59Z',
      '2025-12-31T23:59:59Z',
    ]);
    assert.deepEqual(matches('* * * * * *', '2024-12-31T23:59:59.001Z', 1), ['2025-01-01T00:00Z']);
  });

  it('matches either day field where both are restricted, and both where one has a star', () => {
    assert.deepEqual(matches('0 0 13 * FRI', '2024-09-01T00:00Z', 3), [
      '2024-09-06T00:00Z',
      '2024-09-13T00:00Z',
      '2024-09-20T00:00Z',
    ]);
    assert.deepEqual(matches('0 0 */2 * FRI', '2024-09-01T00:00Z', 2), [
      '2024-09-13T00:00Z',
      '2024-09-27T00:00Z',
    ]);
  });

  it('has nicknames, in any case', () => {
    const from = '2024-02-03T04:05:06Z';
    const first = (nickname: string) => matches(nickname, from, 1)[0];
    assert.equal(first('@yearly'), '2025-01-01T00:00Z');
    assert.equal(first('@annually'), '2025-01-01T00:00Z');
    assert.equal(first('@monthly'), '2024-03-01T00:00Z');
    assert.equal(first('@weekly'), '2024-02-04T00:00Z');
    assert.equal(first('@daily'), '2024-02-04T00:00Z');
    assert.equal(first('@midnight'), '2024-02-04T00:00Z');
    assert.equal(first('@hourly'), '2024-02-03T05:00Z');
    assert.equal(first('@Hourly'), '2024-02-03T05:00Z');
  });

  it('is a period after @every', () => {
    const periods = { '10s': 10_000, '1h30m': 5_400_000, '500ms': 500, '1.5h': 5_400_000, '1.1s': 1_100 };
    for (const [text, periodMs] of Object.entries(periods)) {
      assert.deepEqual(parseCron(`@every ${text}`), { kind: 'every', periodMs });
    }
  });

  it('says whether it runs every hour', () => {
    const everyHour = (expression: string) => {
      const parsed = parseCron(expression);
      return parsed.kind === 'calendar' && parsed.everyHour;
    };
    assert.deepEqual(
      ['30 * * * *', '0 */1 * * *', '0 0-23 * * *', '0 */2 * * *', '0 0 * * *', '@hourly'].map(everyHour),
      [true, true, true, false, false, true],
    );
  });
});

describe('a cron expression that cannot be read', () => {
  const cases: [expression: string, says: RegExp][] = [
    ['', /has 0 fields; write 5 .* or 6 with the second first/],
    ['* * * *', /has 4 fields/],
    ['0 0 0 1 1 * 2030', /has 7 fields/],
    ['61 * * * *', /in the minute field, "61" is out of range; allowed are 0 to 59/],
    ['60 * * * * *', /in the second field, "60" is out of range/],
    ['0 24 * * *', /in the hour field, "24" is out of range/],
    ['0 0 0 * *', /in the day of month field, "0" is out of range/],
    ['0 0 1,32 * *', /in the day of month field, "32" is out of range/],
    ['0 0 * 13 *', /in the month field, "13" is out of range/],
    ['0 0 * FOO *', /in the month field, "FOO" has an unknown name in it/],
    ['0 0 * * 8', /in the day of week field, "8" is out of range/],
    ['0 0 * * MONDAY', /in the day of week field, "MONDAY" cannot be read/],
    ['0 0 * * 5#6', /in the day of week field, "5#6" cannot be read/],
    ['0 0 * * 8#1', /in the day of week field, "8#1" is out of range/],
    ['0 0 * * ABCL', /in the day of week field, "ABCL" has an unknown name in it/],
    ['0-60/10 * * * *', /in the minute field, "0-60\/10" is out of range/],
    [`5-${'9'.repeat(240)} * * * *`, /9" is out of range/],
    [`5-${'9'.repeat(235)}/10 * * * *`, /9\/10" is out of range/],
    ['0 0 99-3 * *', /"99-3" is out of range/],
    ['0 0 * * \u017fun', /in the day of week field, "\u017fun" cannot be read/],
    ['0 0 * * */8', /in the day of week field, "\*\/8" has too large a step/],
    ['30-10 * * * *', /in the minute field, "30-10" begins after it ends/],
    ['0 0 * * FRI-MON', /"FRI-MON" begins after it ends/],
    ['*/0 * * * *', /in the minute field, "\*\/0" has a step of 0/],
    ['*/61 * * * *', /"\*\/61" has too large a step/],
    ['5/10 * * * *', /"5\/10" is a step without a range/],
    ['1,,2 * * * *', /in the minute field, "" is an empty item/],
    ['abc * * * *', /in the minute field, "abc" has an unknown name in it/],
    ['0 0 W * *', /in the day of month field, "W" has W without a single day before it; write one day from/],
    [
      '0 0 1-15W * *',
      /"1-15W" has W without a single day before it; .* 1 to 31, such as 15W, or LW; allowed/,
    ],
    ['0 0 15W-20 * *', /"15W-20" has W without a single day/],
    ['0 0 15W/2 * *', /"15W\/2" has W without a single day/],
    ['0 0 *W * *', /"\*W" has W without a single day/],
    ['0 0 WL * *', /"WL" has W without a single day/],
    ['0 0 1,L-3W * *', /"L-3W" has W without a single day/],
    ['0 0 0W * *', /in the day of month field, "0W" is out of range; allowed are 1 to 31, .*15W/],
    ['0 0 32W * *', /"32W" is out of range/],
    ['15W * * * *', /in the minute field, "15W" has W, .* which only the day of month field takes/],
    ['0 0 * LW *', /in the month field, "LW" has W, the nearest weekday, which only the day of month/],
    ['0 0 * * 1,5W', /in the day of week field, "5W" has W, the nearest weekday, which only/],
    ['@reboot', /"@reboot" is unknown; the nicknames are @yearly/],
    ['@every', /after @every is not a duration; write one such as 10s/],
    ['@every 10', /"10" after @every is not a duration/],
    ['@every -1s', /is not a duration/],
    ['@every 0s', /must be longer than 0/],
    ['@every 1.5ms', /whole number of milliseconds/],
    ['@every 99999999999999h', /whole number of milliseconds/],
  ];
  for (const [expression, says] of cases) {
    it(`says where and why: ${expression || 'nothing'}`, () => {
      assert.match(refusal(expression), says);
    });
  }

  it('is refused where only some crons would take it', () => {
    for (const expression of ['0 0 ? * *', '0 0 * * +MON', '0 0 * * 1-5#2', '0 0 L-3 * *']) {
      assert.match(refusal(expression), /in the day of (month|week) field/);
    }
  });

  it('is refused when it never fires', () => {
    assert.match(refusal('0 0 30 2 *'), /never fires: no day of month "30" exists in month "2"/);
    assert.match(refusal('0 0 31 4,6,9,11 *'), /never fires/);
    assert.match(
      refusal('0 0 31W 4,6,9,11 *'),
      /never fires: no day of month "31W" exists in month "4,6,9,11"/,
    );
    // With a star beside it the same day of month is still the reason.
    assert.match(refusal('0 0 30 FEB */2'), /never fires: no day of month "30" exists in month "FEB"/);
  });

  it('is refused when its two day fields never meet, with both named', () => {
    // The 1st and the 16th of February are never the last Friday.
    assert.match(
      refusal('0 0 */15 2 5L'),
      /^never fires: in month "2", no day matches both day of month "\*\/15" and day of week "5L", and with a \* in/,
    );
    // A nearest weekday is no Saturday and no Sunday.
    assert.match(refusal('0 0 LW * */6'), /no day matches both day of month "LW" and day of week "\*\/6"/);
    assert.deepEqual(matches('0 0 1,16 2 5L', '2024-01-01T00:00Z', 3), [
      '2024-02-01T00:00Z',
      '2024-02-16T00:00Z',
      '2024-02-23T00:00Z',
    ]);
  });

  it('is refused for its length alone', () => {
    assert.match(refusal(`${'1,'.repeat(CRON_LENGTH_MAX)}1 * * * *`), /has 521 characters; at most 256/);
  });

  it('is quoted so that control characters do no harm', () => {
    assert.match(refusal('\u0000\u001b * * * *'), /"\\u0000\\u001b"/);
  });

  it('is refused with INVALID and never with another error, whatever it is', () => {
    const bits = fc.constantFrom(
      '*',
      '/',
      '-',
      ',',
      '#',
      'L',
      'W',
      '?',
      ' ',
      '0',
      '5',
      '31',
      '99',
      'MON',
      'jan',
      '@',
      'every',
      'ı',
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 24 }), (parts) => {
        try {
          parseCron(parts.join(''));
        } catch (error) {
          assert.ok(error instanceof DomainError && error.code === 'INVALID', String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
