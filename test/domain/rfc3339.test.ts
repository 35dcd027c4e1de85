import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRealTime, toRfc3339 } from '../../src/domain/rfc3339.ts';

describe('A time', () => {
  for (const text of [
    '2026-01-31T12:00:00Z',
    '2024-02-29T23:59:59.999999999+14:00',
    '0001-01-01t00:00:00z',
    '9999-12-31T23:59:59-23:59',
  ]) {
    it(`is ${text}`, () => assert.equal(isRealTime(text), true));
  }

  for (const text of [
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00+01:00',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T12:60:00Z',
    '2026-01-01T12:00:00+24:00',
  ]) {
    it(`is not ${text}`, () => assert.equal(isRealTime(text), false));
  }
});

describe('A time that is written', () => {
  for (const ms of [
    0, 1, 999, 1_000, 1_767_225_599_999, 1_767_225_600_000, 1_767_225_600_070, -1, -999, -1_000, -1_001,
    -62_135_596_800_000, 253_402_300_800_000, 8.64e15,
  ]) {
    it(`of ${ms} ms is that of Date, whatever was written before`, () => {
      for (const before of [ms - 1_000, ms, ms - 1, 0]) {
        toRfc3339(before);
        assert.equal(toRfc3339(ms), new Date(ms).toISOString());
      }
    });
  }

  it('is cut to whole milliseconds', () => {
    for (const ms of [0.9, -0.9, 1_000.5, -1_000.5]) assert.equal(toRfc3339(ms), new Date(ms).toISOString());
  });

  it('must be one', () => {
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 8.65e15])
      assert.throws(() => toRfc3339(ms), RangeError);
  });
});
