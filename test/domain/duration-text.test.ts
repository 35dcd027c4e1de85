import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationInSeconds } from '../../src/domain/duration-text.ts';

describe('durationInSeconds', () => {
  it('reads seconds, and other units beside each other, exactly', () => {
    const all: Record<string, string> = {
      '300s': '300s',
      '0s': '0s',
      '0.5s': '0.500s',
      '5m': '300s',
      '1h30m': '5400s',
      '1.5h': '5400s',
      '250ms': '0.250s',
      '1m0.000000001s': '60.000000001s',
      '3us': '0.000003s',
      '3µs': '0.000003s',
      '2d': '172800s',
      '-1m': '-60s',
      '315576000000s': '315576000000s',
    };
    for (const [text, seconds] of Object.entries(all)) {
      assert.equal(Number.parseFloat(durationInSeconds(text) ?? ''), Number.parseFloat(seconds), text);
      assert.match(durationInSeconds(text) ?? '', /^-?\d{1,12}(\.\d{1,9})?s$/, text);
    }
  });

  it('refuses what is none, or more than a Duration holds', () => {
    const none = ['', '5', 's', '5 m', '5m ', '1h-30m', '--5s', '60s!', '5M', '.5s', '5.s', '1e3s', 'P1D'];
    for (const text of [...none, '315576000001s', '-315576000001s', '87660001h', `${'0'.repeat(100)}1s`]) {
      assert.equal(durationInSeconds(text), undefined, text);
    }
  });
});
