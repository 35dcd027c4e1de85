import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { summarize, type Told } from './modules.ts';

const told = (
  preview: string | null,
  headers: Record<string, string> = {},
  rest: Partial<Told> = {},
): Told => ({
  headers: Object.entries(headers),
  preview,
  bytes: preview?.length ?? 1,
  refused: null,
  ...rest,
});

const row = (...args: Parameters<typeof told>) => {
  const { type, data } = summarize(told(...args));
  return [type, data];
};

describe('what a row says of a request', () => {
  it('is the type and the first of the data, of the standard envelope', () => {
    const envelope =
      '{"type":"order.paid","timestamp":"2026-11-24T04:21:55.731Z","data":{"order":1001,"lines":[1,{"n":2}]}}';
    assert.deepEqual(row(envelope), ['order.paid', 'order: 1001, lines: [1, {n: 2}]']);
    assert.deepEqual(row('{"type":"a","data":[1,2]}'), ['a', '1, 2']);
    assert.deepEqual(row('{"type":"a","data":null}'), ['a', 'null']);
    assert.deepEqual(row('{"type":"a","data":"words"}'), ['a', 'words']);
    assert.deepEqual(row('{"type":"a","timestamp":"2026-11-24T04:21:55.731Z"}'), ['a', 'no data']);
  });

  it('is the same of CloudEvents in both modes', () => {
    const structured =
      '{"specversion":"1.0","id":"1","source":"/s","type":"com.example.paid","data":{"n":1}}';
    assert.deepEqual(row(structured), ['com.example.paid', 'n: 1']);
    const binary = { 'ce-type': 'caf%C3%A9.open', 'CE-Source': '/s' };
    assert.deepEqual(row('{"type":"its own","data":1}', binary), ['café.open', 'type: its own, data: 1']);
    assert.deepEqual(row('words', { 'ce-type': '%' }), ['%', 'words']);
  });

  it('is what there is before the text was cut', () => {
    for (const [cut, data] of [
      ['{"type":"a.b","data":{"n":12', 'n: 12…'],
      ['{"type":"a.b","data":{"n":"wo', 'n: wo…'],
      ['{"type":"a.b","data":{"n":"wo\\u00', 'n: wo…'],
      ['{"type":"a.b","data":{"n":"wo\\', 'n: wo…'],
      ['{"type":"a.b","data":{"n":1,"name', 'n: 1…'],
      ['{"type":"a.b","data":[1,tr', '1…'],
      ['{"type":"a.b","da', '…'],
    ] as const) {
      assert.deepEqual(row(cut), ['a.b', data], cut);
    }
  });

  it('is the first of what else was sent', () => {
    assert.deepEqual(row('{"a":1,"b":{"c":[]}}'), [undefined, 'a: 1, b: {c: []}']);
    assert.deepEqual(row('[{"type":"a"},2]'), [undefined, '{type: a}, 2']);
    assert.deepEqual(row('{}'), [undefined, '{}']);
    assert.deepEqual(row('Hello joe'), [undefined, 'Hello joe']);
    assert.deepEqual(row('{"type":7,"data":1}'), [undefined, 'type: 7, data: 1']);
    const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    assert.deepEqual(row('name=Ann+Lee&city=Graz', form), [undefined, 'name: Ann Lee, city: Graz']);
  });

  it('is the text itself where it only looks like JSON', () => {
    for (const text of [
      '{"a" 1}',
      '{a:1}',
      '[1,,2]',
      '{"a":1}{"b":2}',
      '[oops]',
      '{"a":01x}',
      '[draft] hello',
    ]) {
      assert.deepEqual(row(text), [undefined, text]);
    }
  });

  it('is a quiet word where nothing can be read', () => {
    const quiet = (...args: Parameters<typeof told>) => summarize(told(...args));
    assert.deepEqual(quiet('', {}, { bytes: 0 }), { type: undefined, data: 'no body', quiet: true });
    assert.deepEqual(quiet(null), { type: undefined, data: 'binary', quiet: true });
    assert.equal(quiet(null, { 'content-type': 'image/png' }).data, 'image/png');
    assert.equal(quiet('x', {}, { refused: 'The body is too long.' }).data, 'The body is too long.');
  });

  it('is short and ends between characters, whatever was sent', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string({ unit: 'binary', maxLength: 600 })),
        fc.nat(600),
        (text, end) => {
          const { data } = summarize(told(text.slice(0, end).toWellFormed()));
          assert.ok(data.length <= 241);
          assert.ok(data.isWellFormed());
        },
      ),
    );
    assert.equal(row('😀'.repeat(300))[1]?.isWellFormed(), true);
  });
});
