import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundedCache } from '../../src/domain/bounded-cache.ts';

describe('a bounded cache', () => {
  it('remembers what fits in', () => {
    const cache = boundedCache<number, string>(10);
    for (let i = 0; i < 5; i++) cache.set(i, `v${i}`);
    for (let i = 0; i < 5; i++) assert.equal(cache.get(i), `v${i}`);
    assert.equal(cache.get(99), undefined);
  });

  it('never holds more than its bound', () => {
    const cache = boundedCache<number, number>(10);
    for (let i = 0; i < 1_000; i++) cache.set(i, i);
    let held = 0;
    // Newest first: asking for one that is held may push out older ones, and never brings one back.
    for (let i = 999; i >= 0; i--) if (cache.get(i) !== undefined) held++;
    assert.ok(held >= 5 && held <= 10, String(held));
  });

  it('keeps what is used and forgets what is not', () => {
    const cache = boundedCache<number, number>(10);
    cache.set(-1, -1);
    cache.set(-2, -2);
    for (let i = 0; i < 1_000; i++) {
      cache.set(i, i);
      assert.equal(cache.get(-1), -1);
    }
    assert.equal(cache.get(-2), undefined);
  });

  it('replaces a value', () => {
    const cache = boundedCache<string, number>(2);
    cache.set('a', 1);
    cache.set('a', 2);
    assert.equal(cache.get('a'), 2);
  });
});
