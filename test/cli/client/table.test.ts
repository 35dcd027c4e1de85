import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { styleOf } from '../../../src/cli/client/style.ts';
import { type Column, card, table } from '../../../src/cli/client/table.ts';
import { widthOf } from '../../../src/cli/client/terminal-text.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly count: string;
  readonly note: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name, atLeast: 4 },
  { title: 'N', text: ({ count }) => count, align: 'right', rank: 2 },
  { title: 'NOTE', text: ({ note }) => note, atLeast: 5, rank: 1 },
];
const ROWS: readonly Row[] = [
  { id: 'wh_1', name: 'joe', count: '7', note: 'a rather long note' },
  { id: 'wh_2', name: 'somebody else', count: '123', note: '' },
];
const bare = (width?: number) => ({ width, style: styleOf(false) });
const lines = (text: string) => text.trimEnd().split('\n');

describe('A table', () => {
  it('is as wide as it takes when nobody looks', () => {
    assert.deepEqual(lines(table(COLUMNS, ROWS, bare())), [
      'ID    NAME             N  NOTE',
      'wh_1  joe              7  a rather long note',
      'wh_2  somebody else  123',
    ]);
  });

  it('clips the widest first of what may be clipped', () => {
    assert.deepEqual(lines(table(COLUMNS, ROWS, bare(34))), [
      'ID    NAME          N  NOTE',
      'wh_1  joe           7  a rather l…',
      'wh_2  somebody …  123',
    ]);
  });

  it('clips what should be whole only when the others are as narrow as they may be', () => {
    const [id, name, count, note] = COLUMNS as [Column<Row>, Column<Row>, Column<Row>, Column<Row>];
    const columns = [id, name, count, { ...note, last: true }];
    assert.deepEqual(lines(table(columns, ROWS, bare(36))), [
      'ID    NAME     N  NOTE',
      'wh_1  joe      7  a rather long note',
      'wh_2  some…  123',
    ]);
    assert.equal(lines(table(columns, ROWS, bare(28)))[1], 'wh_1  joe     7  a rather l…');
  });

  it('leaves out what matters least when clipping is not enough', () => {
    assert.deepEqual(lines(table(COLUMNS, ROWS, bare(15))), [
      'ID    NAME    N',
      'wh_1  joe     7',
      'wh_2  som…  123',
    ]);
    assert.deepEqual(lines(table(COLUMNS, ROWS, bare(10))), ['ID    NAME', 'wh_1  joe', 'wh_2  som…']);
  });

  it('never clips an id, even where there is no room', () => {
    assert.deepEqual(lines(table(COLUMNS, ROWS, bare(2))), ['ID    NAME', 'wh_1  joe', 'wh_2  som…']);
  });

  it('has no column in which nothing stands', () => {
    const rows = ROWS.map((row) => ({ ...row, note: '' }));
    assert.equal(lines(table(COLUMNS, rows, bare()))[0], 'ID    NAME             N');
  });

  it('shows nothing of others that a terminal would obey', () => {
    const text = table(COLUMNS, [{ ...ROWS[0]!, name: '\u001b[2Jboo\nboo' }], bare());
    assert.equal(lines(text).length, 2);
    assert.ok(!text.includes('\u001b'));
  });

  it('has colours that do not change where anything stands', () => {
    const columns = COLUMNS.map((column) => ({ ...column, style: () => 'bad' as const }));
    const coloured = table(columns, ROWS, { width: 40, style: styleOf(true) });
    const plain = stripVTControlCharacters(coloured);
    assert.notEqual(coloured, plain);
    assert.deepEqual(
      lines(plain).map((line) => line.trimEnd()),
      lines(table(columns, ROWS, bare(40))),
    );
  });

  it('is never wider than the terminal if the ids leave room', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 60 });
    const row = fc.record({ id: fc.constant('wh_1'), name: cell, count: cell, note: cell });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 10, max: 120 }),
        (rows, width) => {
          for (const line of lines(table(COLUMNS, rows, bare(width))))
            assert.ok(widthOf(line) <= width, line);
        },
      ),
    );
  });
});

describe('A card', () => {
  it('is names and values, without those that have none', () => {
    const text = card(
      [
        ['id', 'wh_1'],
        ['destination', 'http://x\u001b[2J'],
        ['filter', ''],
        ['next', undefined],
      ],
      bare(),
    );
    assert.equal(text, 'id           wh_1\ndestination  http://x\ufffd[2J\n');
  });
});
