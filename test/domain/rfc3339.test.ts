import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRealTime } from '../../src/domain/rfc3339.ts';

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
