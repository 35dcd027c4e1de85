import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Extensions, extensionViolations } from '../../../src/domain/event/extensions.ts';

const judged = (extensions: Extensions) => extensionViolations(extensions, 'event.extensions');

describe('extension attributes', () => {
  it('have names of lower-case letters and digits, and any text', () => {
    const extensions = {
      traceparent: '00-0af7651916cd43dd-01',
      a: 'Grüße 😀 "%" ',
      ['z'.repeat(20)]: '0',
      7: 'x',
    };
    assert.deepEqual(judged(extensions), []);
    for (const name of [
      '',
      'traceParent',
      'trace-parent',
      'trace_parent',
      'é',
      'z'.repeat(21),
      '__proto__',
    ]) {
      const [violation, ...more] = judged(Object.fromEntries([[name, 'x']]));
      assert.match(violation?.description ?? '', /^has a name that is not 1 to 20 lower-case/, name);
      assert.match(violation!.field, /^event\.extensions\["/);
      assert.deepEqual(more, []);
    }
  });

  it('are none of those that CloudEvents defines', () => {
    for (const name of [
      'specversion',
      'id',
      'source',
      'type',
      'time',
      'subject',
      'datacontenttype',
      'data',
    ]) {
      assert.match(judged({ [name]: 'x' })[0]?.description ?? '', /no extension of CloudEvents/, name);
    }
    assert.equal(judged({ dataschema: 'https://example.com/schema' }).length, 1);
  });

  it('are not empty, and hold no characters for control', () => {
    assert.match(judged({ a: '' })[0]?.description ?? '', /^is empty/);
    for (const value of ['a\nb', '\0', '\ud800', '\uffff']) {
      assert.match(judged({ a: value })[0]?.description ?? '', /^has characters/, JSON.stringify(value));
    }
  });

  it('fit into headers together, percent-encoded as they are there', () => {
    const rest = 'ce-a'.length + 4;
    assert.deepEqual(judged({ a: 'x'.repeat(6144 - rest) }), []);
    assert.deepEqual(judged({ a: 'x'.repeat(6145 - rest) }), [
      {
        field: 'event.extensions',
        description: 'has 6145 bytes when it is written as headers: give at most 6144',
      },
    ]);
    assert.equal(judged({ a: 'ü'.repeat(1_022) }).length, 0);
    assert.equal(judged({ a: 'ü'.repeat(1_023) }).length, 1);
  });
});
