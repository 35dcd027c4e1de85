import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOrder } from '../../../src/domain/listing/order.ts';

const USUAL = { by: 'create_time', descending: true } as const;
const read = (text: string) => readOrder(text, ['create_time', 'name'], USUAL);

describe('The order of a list', () => {
  for (const [text, by, descending] of [
    ['', 'create_time', true],
    ['  ', 'create_time', true],
    ['create_time', 'create_time', false],
    ['  name   desc ', 'name', true],
    ['name asc', 'name', false],
  ] as const) {
    it(`is read from ${JSON.stringify(text)}`, () => assert.deepEqual(read(text), { by, descending }));
  }

  for (const text of ['colour', 'name, create_time', 'name down', 'name desc desc', 'desc', 'Name']) {
    it(`is refused as ${JSON.stringify(text)}, with what there is`, () =>
      assert.throws(
        () => read(text),
        /^DomainError: order_by: cannot be .* one of create_time, create_time desc, name, name desc$/,
      ));
  }
});
