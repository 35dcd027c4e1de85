import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readHeaders, writeHeaders } from '../../../src/store/rows/attempt-headers.ts';

const ID = 'msg_01J00000000000000000000000';

function isReadAsWritten(sent: readonly string[], received: Readonly<Record<string, string>>): void {
  assert.deepEqual(readHeaders(writeHeaders(sent, received, ID), ID), { sent, received });
}

describe('the headers of an attempt as a text', () => {
  test('common names, and the id of the delivery, take a byte each', () => {
    const sent = ['webhook-id', ID, 'webhook-timestamp', '1767225600', 'content-type', 'text/plain'];
    const text = writeHeaders(sent, { 'content-length': '2' }, ID);
    assert.equal(text, 'w\nT1767225600\nttext/plain\n\nl2\n');
    isReadAsWritten(sent, { 'content-length': '2' });
  });

  for (const [what, sent, received] of [
    ['nothing', [], {}],
    ['only what was sent', ['x-a', 'b'], {}],
    ['only what came back', [], { 'x-a': 'b', date: 'today' }],
    ['empty values', ['x-a', '', 'host', ''], { server: '' }],
    ['the id of another delivery', ['webhook-id', 'msg_1'], {}],
    ['a name twice, and in capitals', ['x-a', '1', 'x-a', '2', 'Host', 'h'], {}],
    ['colons and spaces in values', ['x-a', ' a: b ', 'location', 'http://h:1/'], { 'x-b': '::' }],
    ['line breaks, which no HTTP has', ['x-a', 'a\nb'], { 'x-b': '\n' }],
    ['names that are none', ['a:b', 'c', 'd\ne', 'f'], { '': 'g' }],
    ['a name that objects have', ['__proto__', 'a'], JSON.parse('{"__proto__":"b","constructor":"c"}')],
  ] as const) {
    test(`${what} is read as it was written`, () => isReadAsWritten(sent, received));
  }

  test('anything is read as it was written', () => {
    const pairs = fc.array(fc.tuple(fc.string(), fc.string({ unit: 'binary' })), { maxLength: 8 });
    const answers = fc.dictionary(fc.string(), fc.string({ unit: 'binary' }), { noNullPrototype: true });
    fc.assert(fc.property(pairs, answers, (sent, received) => isReadAsWritten(sent.flat(), received)));
  });

  test('what was erased is read as none', () => {
    assert.deepEqual(readHeaders(null, ID), { sent: [], received: {} });
  });
});
