import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataOf, openEvent } from '../../../src/domain/event/data.ts';

const utf8 = new TextEncoder();
const read = (body: string | Uint8Array, contentType: string) =>
  dataOf({ body: typeof body === 'string' ? utf8.encode(body) : body, contentType });

describe("an event's data", () => {
  it('is JSON where it says so and is, as it was written and as a value', () => {
    assert.deepEqual(read('{"a": 1.0}', 'application/json'), {
      kind: 'json',
      text: '{"a": 1.0}',
      value: { a: 1 },
    });
    assert.deepEqual(read(' null ', 'application/problem+json; x=y'), {
      kind: 'json',
      text: ' null ',
      value: null,
    });
  });

  it('is text where it says so and is UTF-8, with its byte order mark', () => {
    assert.deepEqual(read('\ufeffü\u0000', 'text/plain'), { kind: 'text', text: '\ufeffü\u0000' });
  });

  it('is bytes where it says something else, or is not what it says', () => {
    const body = new Uint8Array([0xff, 1]);
    for (const contentType of ['application/octet-stream', 'text/plain', 'application/json']) {
      assert.deepEqual(read(body, contentType), { kind: 'bytes', bytes: body }, contentType);
    }
    for (const text of ['{"a":', 'undefined', '\ufeff{}']) {
      assert.deepEqual(read(text, 'application/json'), { kind: 'bytes', bytes: utf8.encode(text) }, text);
    }
  });

  it('is none where there is nothing', () => {
    for (const contentType of ['application/octet-stream', 'text/plain', 'application/json']) {
      assert.deepEqual(read('', contentType), { kind: 'none' });
    }
  });

  it('is read once, and not before it is asked for', () => {
    let looks = 0;
    const event = {
      id: 'evt_1',
      type: 'a',
      time: 0,
      contentType: 'application/json',
      headers: {},
      createdAt: 0,
      get body() {
        looks++;
        return utf8.encode('{"a":1}');
      },
    };
    const opened = openEvent(event);
    assert.equal(looks, 0);
    const first = opened.data();
    const seen = looks;
    assert.equal(opened.data(), first);
    assert.equal(looks, seen);
  });
});
