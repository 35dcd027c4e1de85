import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  as,
  field,
  integer,
  type LongRowOf,
  layout,
  orNull,
  part,
  type RowOf,
  readFrom,
  text,
} from '../../../src/store/rows/layout.ts';

const BELL = layout(
  field('id', text),
  field('rungAt', orNull(integer)),
  field('tone', as<'HIGH' | 'LOW'>(), 'coalesce(t.tone, b.tone)'),
  field('weight', integer),
);
const BELL_ROW: RowOf<typeof BELL> = ['great', null, 'LOW', 20_132];

describe('the layout of a row', () => {
  it('says where each field is', () => {
    assert.deepEqual(BELL.at, { id: 0, rungAt: 1, tone: 2, weight: 3 });
    const tone: 'HIGH' | 'LOW' = BELL_ROW[BELL.at.tone];
    assert.equal(tone, 'LOW');
  });

  it('names the columns in snake case, or as it was told', () => {
    assert.equal(BELL.columns, 'id, rung_at, coalesce(t.tone, b.tone), weight');
    assert.equal(BELL.holes, '?, ?, ?, ?');
  });

  it('moves with a field that is inserted, and refuses rows without it', () => {
    const [id, ...rest] = BELL.fields;
    const longer = layout(id, field('maker', text), ...rest);
    const row: RowOf<typeof longer> = ['great', 'Mears', null, 'LOW', 20_132];
    assert.equal(row[longer.at.weight], 20_132);
    assert.equal(longer.columns, 'id, maker, rung_at, coalesce(t.tone, b.tone), weight');
    // @ts-expect-error: `maker` is missing.
    const short: RowOf<typeof longer> = BELL_ROW;
    assert.equal(short.length, row.length - 1);
  });

  it('reads rows that go on after its fields', () => {
    const weightOf = (row: LongRowOf<typeof BELL>): number => row[BELL.at.weight];
    const cast = layout(...BELL.fields, field('castAt', integer));
    const row: RowOf<typeof cast> = [...BELL_ROW, 1858];
    assert.equal(weightOf(row), 20_132);
  });

  it('takes a part out of a row, in the order of the part', () => {
    const changed = part(BELL, 'weight', 'rungAt');
    const taken: [number, number | null] = changed.from(BELL_ROW);
    assert.deepEqual(taken, [20_132, null]);
    assert.equal(changed.assignments, 'weight = ?, rung_at = ?');
    assert.deepEqual(changed.at, { weight: 0, rungAt: 1 });
  });

  it('reads some of its fields from elsewhere, each in its old place', () => {
    const elsewhere = readFrom(BELL, { weight: 'w.grams / 1000', id: 'w.id' });
    assert.equal(elsewhere.columns, 'w.id, rung_at, coalesce(t.tone, b.tone), w.grams / 1000');
    assert.deepEqual(elsewhere.at, BELL.at);
  });
});
