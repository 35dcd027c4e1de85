import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseGoDuration } from '../../../src/domain/schedule/go-duration.ts';

describe('a duration as Go writes it', () => {
  it('is a sum of numbers with units', () => {
    const cases: Record<string, number> = {
      '10s': 10_000,
      '500ms': 500,
      '1h30m': 5_400_000,
      '1.5h': 5_400_000,
      '.5s': 500,
      '2.s': 2_000,
      '1.1s': 1_100,
      '0.3s': 300,
      '1h1m1s1ms': 3_661_001,
      '1500us': 1.5,
      '1500µs': 1.5,
      '1500μs': 1.5,
      '2000000ns': 2,
      '0': 0,
      '0s': 0,
    };
    for (const [text, ms] of Object.entries(cases)) assert.equal(parseGoDuration(text), ms, text);
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      '10',
      's',
      '-1s',
      '+1s',
      '1 s',
      '1s ',
      '1d',
      '1S',
      '.s',
      '1..5s',
      '1e3s',
      '1h30',
      '∞',
    ]) {
      assert.equal(parseGoDuration(text), undefined, text);
    }
  });
});
