import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHistogram, median } from '../../bench/histogram.ts';
import { table } from '../../bench/table.ts';

describe('the table of the bench', () => {
  it('compares the CPU time of a delivery with that of the raw loop, and with its goal', () => {
    const goal = { text: '≤ 3×', ratioMax: 3 };
    const row = { scenario: 'schedules', what: 'a delivery', measured: '', goal };
    const lines = table(
      [
        { ...row, cpuUs: 60 },
        { ...row, cpuUs: 61 },
      ],
      20,
    ).split('\n');
    assert.match(lines[2] ?? '', /3\.00×\s+≤ 3×\s+met$/);
    assert.match(lines[3] ?? '', /3\.05×\s+≤ 3×\s+short$/);
  });

  it('says nothing about a ratio when the raw loop did not run', () => {
    const goal = { text: '≤ 3×', ratioMax: 3 };
    const text = table([{ scenario: 's', what: 'w', measured: 'm', cpuUs: 60, goal }], Number.NaN);
    assert.match(text, /m\s+≤ 3×\n$/);
  });
});

describe('the histogram of the bench', () => {
  it('finds the span that a share of all spans does not exceed', () => {
    const histogram = createHistogram();
    for (let ms = 1; ms <= 100; ms++) histogram.add(ms);
    assert.deepEqual(histogram.read(), { count: 100, p50: 50, p99: 99, max: 100 });
    histogram.clear();
    assert.equal(histogram.read().count, 0);
  });

  it('takes the middle of an even number of values between the two', () => {
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });
});
