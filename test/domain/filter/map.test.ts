import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CelUint, celMap, celUint } from '@bufbuild/cel';
import { keyedMap, textMap } from '../../../src/domain/filter/map.ts';

/** Entries that cannot be gone through. */
class Entries<K, V> extends Map<K, V> {
  override keys(): never {
    throw new Error('goes through all keys');
  }
}

describe('a map of a filter', () => {
  it('is not gone through for a number that is no key of it', () => {
    const map = textMap(new Entries([['1', 'a']]));
    for (const key of [1, 1n, 1.5, celUint(1n)]) assert.equal(map.get(key), undefined);
    assert.equal(map.get('1'), 'a');
    const numbers = new Map<bigint | CelUint, string>([
      [1n, 'a'],
      [celUint(2n), 'b'],
    ]);
    const keyed = keyedMap(celMap(numbers));
    numbers.keys = Entries.prototype.keys;
    for (const key of [3, 3n, 1.5, celUint(3n), '1']) assert.equal(keyed.get(key), undefined);
    assert.deepEqual(
      [keyed.get(1), keyed.get(celUint(1n)), keyed.get(2n), keyed.get(2)],
      ['a', 'a', 'b', 'b'],
    );
  });

  it('has a key whose value is null', () => {
    assert.equal(textMap(new Map([['a', null]])).has('a'), true);
    assert.equal(keyedMap(celMap(new Map([['a', null]]))).has('a'), true);
  });
});
