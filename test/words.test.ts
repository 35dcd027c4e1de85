import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDocument } from './support/docs.ts';

const LISTS = ['.cspell/words.txt', '.cspell/test-words.txt'];

describe('the words that the spell check takes beside its dictionaries', () => {
  for (const list of LISTS) {
    it(`are in order and there once, so that branches merge: ${list}`, () => {
      const words = readDocument(list).trimEnd().split('\n');
      assert.deepEqual(words, [...new Set(words)].sort());
    });

    it(`are in small letters, which match all others: ${list}`, () => {
      assert.equal(readDocument(list), readDocument(list).toLowerCase());
    });
  }

  it('are in one list only', () => {
    const [words = [], testWords = []] = LISTS.map((list) => readDocument(list).trimEnd().split('\n'));
    assert.deepEqual(
      testWords.filter((word) => words.includes(word)),
      [],
    );
  });
});
