import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readText, writeText } from '../../../src/store/postgres/texts.ts';

const text = fc.string({ unit: fc.constantFrom('\0', '\x01', '\x02', 'a', 'é', '😀') });

describe('texts as PostgreSQL can have them', () => {
  test('are read as they were written, and have no NUL', () => {
    fc.assert(
      fc.property(text, (each) => {
        assert.ok(!writeText(each).includes('\0'));
        assert.equal(readText(writeText(each)), each);
      }),
    );
  });

  test('follow each other, and begin with each other, as they did before', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const bytes = (each: string) => Buffer.from(each);
        const before = Math.sign(Buffer.compare(bytes(one), bytes(other)));
        assert.equal(Math.sign(Buffer.compare(bytes(writeText(one)), bytes(writeText(other)))), before);
        assert.equal(writeText(one).startsWith(writeText(other)), one.startsWith(other));
      }),
    );
  });
});
