import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Entry, merge, source } from '../../../../src/store/sqlite/lists/merge.ts';

const entry = (id: string): Entry => [id, 0, 0, ''];

/** A list of these ids that counts how often it is read. */
function aList(ids: string, ascending: boolean, limit = 2) {
  const sorted = [...ids].sort();
  if (!ascending) sorted.reverse();
  let reads = 0;
  const from = ascending ? '' : '~';
  const opened = source(from, limit, (beyond, count) => {
    reads++;
    return sorted
      .filter((id) => (ascending ? id > beyond : id < beyond))
      .slice(0, count)
      .map(entry);
  });
  return { source: opened, reads: () => reads };
}

const idsOf = (entries: Iterable<Entry>): string => [...entries].map(([id]) => id).join('');

describe('lists that are read as one', () => {
  for (const [ascending, expected] of [
    [true, 'abcdefghi'],
    [false, 'ihgfedcba'],
  ] as const) {
    test(`entries come in order, ${ascending ? 'ascending' : 'descending'}, whichever list they are in`, () => {
      const lists = ['aei', 'bcdgh', '', 'f'].map((ids) => aList(ids, ascending).source);
      assert.equal(idsOf(merge(ascending, lists)), expected);
    });
  }

  test('a list is read a piece at a time, and no further than asked for', () => {
    const long = aList('abcdefgh', true, 3);
    const entries = merge(true, [long.source]);
    for (const expected of 'ab') assert.equal(entries.next().value?.[0], expected);
    assert.equal(long.reads(), 1);
    for (const expected of 'cd') assert.equal(entries.next().value?.[0], expected);
    assert.equal(long.reads(), 2);
  });

  test('a list that can have nothing yet is not opened', () => {
    const opened: string[] = [];
    const later = (ids: string) => ({
      first: ids.at(-1)!,
      open: () => {
        opened.push(ids);
        return [aList(ids, false).source];
      },
    });
    const entries = merge(false, [aList('hx', false).source], [later('mw'), later('eg'), later('ab')]);
    const next = (): string | undefined => entries.next().value?.[0];
    assert.deepEqual([next(), next(), next(), next()], ['x', 'w', 'm', 'h']);
    assert.deepEqual(opened, ['mw']);
    assert.equal(idsOf(entries), 'geba');
  });

  test('lists that are all empty are empty', () => {
    const nothing = { first: 'm', open: () => [aList('', true).source] };
    assert.equal(idsOf(merge(true, [aList('', true).source], [nothing])), '');
  });
});
