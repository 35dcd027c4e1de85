import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BoundedCache, boundedCache } from '../../src/domain/bounded-cache.ts';

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

  it('forgets what is deleted, whichever generation it is in', () => {
    const cache = boundedCache<number, number>(4);
    for (const key of [1, 2, 3]) cache.set(key, key);
    cache.delete(1);
    cache.delete(3);
    assert.deepEqual([1, 2, 3].map(cache.get), [undefined, 2, undefined]);
    cache.clear();
    assert.equal(cache.get(2), undefined);
  });

  it('counts sizes where it is told them, and never holds more', () => {
    const cache = boundedCache<number, string>(10, (value) => value.length);
    for (let i = 0; i < 100; i++) {
      cache.set(i, 'x'.repeat(1 + (i % 7)));
      const held = heldBy(cache, i);
      assert.ok(held <= 10, String(held));
    }
  });

  it('keeps one that is larger than half its size, and none that is larger than all of it', () => {
    const cache = boundedCache<string, string>(10, (value) => value.length);
    cache.set('small', 'xx');
    cache.set('large', 'x'.repeat(9));
    assert.equal(cache.get('large')?.length, 9);
    assert.equal(cache.get('small'), undefined);
    cache.set('huge', 'x'.repeat(11));
    assert.equal(cache.get('huge'), undefined);
    assert.equal(cache.get('large')?.length, 9);
  });

  it('does not count one twice that was used again, or replaced', () => {
    const cache = boundedCache<string, string>(10, (value) => value.length);
    for (let i = 0; i < 20; i++) {
      cache.set('a', 'xx');
      assert.equal(cache.get('a'), 'xx');
      cache.set('b', i % 2 ? 'x' : 'xx');
    }
    assert.deepEqual([cache.get('a'), cache.get('b')], ['xx', 'x']);
  });
});

/** The sizes of all that are held of keys up to one. Newest first: asking never brings one back. */
function heldBy(cache: BoundedCache<number, string>, upTo: number): number {
  let held = 0;
  for (let key = upTo; key >= 0; key--) held += cache.get(key)?.length ?? 0;
  return held;
}
