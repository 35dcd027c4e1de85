import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RETRY_AFTER_MAX_MS, retryAfterMs } from '../../../src/domain/delivery/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('retryAfterMs', () => {
  const cases: [string | undefined, number][] = [
    [undefined, 0],
    ['', 0],
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['007', 7_000],
    ['-5', 0],
    ['1.5', 0],
    ['999999999', RETRY_AFTER_MAX_MS],
    ['99999999999999999999', RETRY_AFTER_MAX_MS],
    ['9'.repeat(400), RETRY_AFTER_MAX_MS],
    ['soon', 0],
    ['March', 0],
  ];
  for (const [value, expected] of cases) {
    it(`reads ${JSON.stringify(value)} as ${expected} ms`, () =>
      assert.equal(retryAfterMs(value, NOW), expected));
  }
});

describe('a Retry-After that is a date', () => {
  const cases: [name: string, value: string, expected: number][] = [
    ['in the form of today', 'Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['in the form of RFC 850', 'Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
    ['in the form of asctime', 'Thu Jan  1 00:00:30 2026', 30_000],
    ['in the form of asctime, with a zero', 'Thu Jan 01 00:00:30 2026', 30_000],
    ['with the name of another day', 'Mon, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['that has passed', 'Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['that has passed in the last century', 'Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['fifty years ahead, which two digits can say', 'Wednesday, 01-Jan-76 00:00:00 GMT', RETRY_AFTER_MAX_MS],
    ['fifty-one years ahead, which they cannot', 'Saturday, 01-Jan-77 00:00:00 GMT', 0],
    ['a year ahead', 'Fri, 01 Jan 2027 00:00:00 GMT', RETRY_AFTER_MAX_MS],
    ['on 31 February', 'Sat, 31 Feb 2026 00:00:00 GMT', 0],
    ['on 29 February of a year without one', 'Mon, 29 Feb 2027 00:00:00 GMT', 0],
    ['on 29 February of a year with one', 'Tue, 29 Feb 2028 00:00:00 GMT', RETRY_AFTER_MAX_MS],
    ['on the day 0', 'Thu, 00 Feb 2026 00:00:00 GMT', 0],
    ['at 24 h', 'Fri, 02 Jan 2026 24:00:00 GMT', 0],
    ['at a leap second', 'Thu, 01 Jan 2026 00:00:60 GMT', 60_000],
    ['in the year 50', 'Sat, 01 Jan 0050 00:00:00 GMT', 0],
    ['in another zone', 'Thu, 01 Jan 2026 00:00:30 CET', 0],
    ['in small letters', 'thu, 01 jan 2026 00:00:30 gmt', 0],
    ['of an unknown month', 'Thu, 01 Foo 2026 00:00:30 GMT', 0],
  ];
  for (const [name, value, expected] of cases) {
    it(`${name}, is ${expected} ms away`, () => assert.equal(retryAfterMs(value, NOW), expected));
  }
});

describe('a Retry-After that came several times', () => {
  const date = (second: number) => `Thu, 01 Jan 2026 00:00:${second} GMT`;
  const cases: [value: string, expected: number][] = [
    ['5, 60', 60_000],
    ['60, 5', 60_000],
    [`${date(10)}, ${date(40)}`, 40_000],
    [`${date(40)}, 5`, 40_000],
    [`50, ${date(10)}`, 50_000],
    ['Thursday, 01-Jan-26 00:00:40 GMT, Thu Jan  1 00:00:30 2026', 40_000],
    ['soon, 7', 7_000],
    ['7,', 7_000],
  ];
  for (const [value, expected] of cases) {
    it(`means the latest: ${value}`, () => assert.equal(retryAfterMs(value, NOW), expected));
  }
});
