import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { block, integer } from '../../bench/hostile/callers/frames.ts';
import { count, newTally, words } from '../../bench/hostile/callers/tally.ts';
import { markdown } from '../../bench/hostile/markdown.ts';

describe('the tables of hostile callers and receivers', () => {
  it('are Markdown, whatever a cell holds', () => {
    const table = markdown(['attack', 'CPU', 'outcome'], [['a|b', '1 s', 'two\nlines']]);
    assert.equal(table, '| attack | CPU | outcome |\n| --- | --: | --- |\n| a\\|b | 1 s | two lines |\n');
  });

  it('say what became of each connection and each stream', () => {
    const tally = { ...newTally(), connections: 1_200, closed: 3, answered: 2, lastMs: 15_200 };
    count(tally.goaways, 'ENHANCE_YOUR_CALM');
    count(tally.resets, 'CANCEL');
    count(tally.statuses, '431');
    assert.equal(
      words(tally),
      '1 connection ended with ENHANCE_YOUR_CALM; 2 connections closed; 1,197 connections still open; ' +
        '1 stream reset with CANCEL; 1 × 431; 2 answered; the last after 15 s',
    );
  });
});

describe('heads written by hand', () => {
  it('are those of the examples in RFC 7541', () => {
    // C.1.1, C.1.2, and C.2.1 without an index.
    assert.deepEqual([...integer(10, 5)], [10]);
    assert.deepEqual([...integer(1337, 5)], [31, 154, 10]);
    const literal = block([['custom-key', 'custom-header']]);
    assert.equal(literal.toString('latin1'), '\0\x0acustom-key\x0dcustom-header');
  });
});
