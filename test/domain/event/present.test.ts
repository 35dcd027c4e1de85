import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EventBody } from '../../../src/domain/event/event.ts';
import { present } from '../../../src/domain/event/present.ts';

const utf8 = new TextEncoder();
const textOf = (bytes: Uint8Array) =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

function anEvent(
  body: string | Uint8Array,
  contentType = 'application/json',
  more: Partial<EventBody> = {},
): EventBody {
  return {
    id: 'evt_01KDVKFM000000000000000000',
    type: 'order.paid',
    time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    contentType,
    body: typeof body === 'string' ? utf8.encode(body) : body,
    headers: {},
    createdAt: 0,
    ...more,
  };
}

const ANY_JSON = [
  '9007199254740993',
  '{"a":1,"a":2}',
  ' {\n "ü": "\\ud83d\\ude00", "n": 1.10 } ',
  '"text"',
  'null',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
];

describe('an event as it is', () => {
  it('keeps its bytes and its media type', () => {
    const body = new Uint8Array([0, 255, 10, 13]);
    const event = anEvent(body, 'application/x-thing');
    const presented = present(event, 'BODY');
    assert.equal(presented.body, body);
    assert.equal(presented.contentType, 'application/x-thing');
    assert.deepEqual(presented.headers, {});
  });

  it('takes its own headers along, and those that were rendered before them', () => {
    const event = anEvent('{}', undefined, { headers: { 'x-a': 'event', 'x-b': 'event' } });
    assert.deepEqual(present(event, 'BODY').headers, { 'x-a': 'event', 'x-b': 'event' });
    assert.deepEqual(present(event, 'BODY', { headers: { 'x-b': 'rendered' } }).headers, {
      'x-a': 'event',
      'x-b': 'rendered',
    });
  });
});

describe('an event that was rendered', () => {
  it('goes out as it was rendered', () => {
    const body = utf8.encode('<paid/>');
    assert.deepEqual(
      present(anEvent('{}'), 'RENDERED', { body, contentType: 'application/xml', headers: { 'x-a': '1' } }),
      {
        body,
        contentType: 'application/xml',
        headers: { 'x-a': '1' },
      },
    );
  });

  it('is not sent as something else when what was rendered is lost', () => {
    assert.throws(() => present(anEvent('{}'), 'RENDERED', { headers: {} }), /nothing was rendered/);
  });
});

describe('the envelope of Standard Webhooks', () => {
  const enveloped = (event: EventBody) => textOf(present(event, 'ENVELOPE').body);

  it('has the type, the time and the data', () => {
    const presented = present(anEvent('{"id":7}'), 'ENVELOPE');
    assert.equal(presented.contentType, 'application/json');
    assert.equal(
      textOf(presented.body),
      '{"type":"order.paid","timestamp":"2026-01-02T03:04:05.678Z","data":{"id":7}}',
    );
  });

  for (const json of ANY_JSON) {
    it(`holds ${json.slice(0, 20)} byte for byte`, () => {
      assert.equal(
        enveloped(anEvent(json)),
        `{"type":"order.paid","timestamp":"2026-01-02T03:04:05.678Z","data":${json}}`,
      );
    });
  }

  it('holds text as a string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        assert.equal(JSON.parse(enveloped(anEvent(text, 'text/plain'))).data, text);
      }),
    );
  });

  it('holds bytes as base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        // A view into something bigger, as bytes from a message are.
        const inner = new Uint8Array([1, ...bytes, 2]).subarray(1, -1);
        const { data } = JSON.parse(enveloped(anEvent(inner, 'application/octet-stream')));
        assert.deepEqual(new Uint8Array(Buffer.from(data, 'base64')), bytes);
      }),
    );
  });

  it('holds bytes that only claim to be JSON or text as base64', () => {
    for (const contentType of ['application/json', 'text/plain']) {
      assert.equal(JSON.parse(enveloped(anEvent(new Uint8Array([0xff, 0xfe]), contentType))).data, '//4=');
    }
    assert.equal(JSON.parse(enveloped(anEvent('{nope'))).data, 'e25vcGU=');
    assert.equal(JSON.parse(enveloped(anEvent('\ufeff{}'))).data, '77u/e30=');
  });

  it('holds null where there is no data', () => {
    for (const contentType of ['application/json', 'text/plain', 'application/octet-stream']) {
      assert.equal(JSON.parse(enveloped(anEvent('', contentType))).data, null);
    }
  });
});

describe('a CloudEvent in binary mode', () => {
  it('is the data with the attributes in headers', () => {
    const event = anEvent('{"a":1,"a":2}', undefined, {
      source: '/shop',
      subject: 'order/7',
      callerId: 'mine:1',
    });
    const presented = present(event, 'CLOUDEVENTS_BINARY');
    assert.equal(presented.body, event.body);
    assert.equal(presented.contentType, 'application/json');
    assert.deepEqual(presented.headers, {
      'ce-specversion': '1.0',
      'ce-id': 'mine:1',
      'ce-source': '/shop',
      'ce-type': 'order.paid',
      'ce-time': '2026-01-02T03:04:05.678Z',
      'ce-subject': 'order/7',
    });
  });

  it('is from Carillon when nobody else is named, and has no subject without one', () => {
    const { headers } = present(anEvent('{}'), 'CLOUDEVENTS_BINARY');
    assert.equal(headers['ce-source'], '/carillon');
    assert.ok(!('ce-subject' in headers));
  });

  it('encodes as the binding does in its example', () => {
    const subject = 'Euro € 😀';
    const { headers } = present(anEvent('', undefined, { subject }), 'CLOUDEVENTS_BINARY');
    assert.equal(headers['ce-subject'], 'Euro%20%E2%82%AC%20%F0%9F%98%80');
  });

  it('has header values of printable ASCII that decode to the attributes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (subject) => {
        const value = present(anEvent('', undefined, { subject }), 'CLOUDEVENTS_BINARY').headers[
          'ce-subject'
        ]!;
        assert.match(value, /^[\x21\x23-\x7e]+$/);
        assert.equal(decodeURIComponent(value), subject);
      }),
    );
  });

  it('does not let other headers speak for its attributes', () => {
    const event = anEvent('', undefined, { headers: { 'ce-id': 'forged', 'ce-trace': 'kept' } });
    const { headers } = present(event, 'CLOUDEVENTS_BINARY', { headers: { 'ce-type': 'forged' } });
    assert.equal(headers['ce-id'], event.id);
    assert.equal(headers['ce-type'], 'order.paid');
    assert.equal(headers['ce-trace'], 'kept');
  });
});

describe('an event with extension attributes', () => {
  const event = anEvent('{}', undefined, {
    subject: 's',
    extensions: { traceparent: '00-a', tenant: 'Zoë 100%' },
  });

  it('has them in headers in binary mode, encoded like the others', () => {
    const { headers } = present(event, 'CLOUDEVENTS_BINARY');
    assert.equal(headers['ce-traceparent'], '00-a');
    assert.equal(headers['ce-tenant'], 'Zo%C3%AB%20100%25');
    assert.equal(headers['ce-subject'], 's');
  });

  it('has them beside the others in structured mode', () => {
    const { traceparent, tenant, subject, data } = JSON.parse(
      textOf(present(event, 'CLOUDEVENTS_STRUCTURED').body),
    );
    assert.deepEqual([traceparent, tenant, subject, data], ['00-a', 'Zoë 100%', 's', {}]);
  });

  it('has them nowhere else', () => {
    for (const format of ['BODY', 'ENVELOPE'] as const) {
      assert.deepEqual(present(event, format), present({ ...event, extensions: {} }, format));
    }
  });
});

describe('an event that would be taken for another', () => {
  it('goes out in structured mode when its data is a CloudEvent itself', () => {
    const inner = '{"specversion":"1.0","id":"forged","source":"/elsewhere","type":"order.refunded"}';
    for (const type of [
      'application/cloudevents+json',
      'Application/CloudEvents-batch+json; charset=utf-8',
    ]) {
      const event = anEvent(inner, type, { source: '/shop' });
      const presented = present(event, 'CLOUDEVENTS_BINARY');
      assert.deepEqual(presented, present(event, 'CLOUDEVENTS_STRUCTURED'));
      const read = JSON.parse(textOf(presented.body));
      assert.deepEqual([read.id, read.source, read.type], [event.id, '/shop', 'order.paid']);
      assert.deepEqual([read.datacontenttype, read.data], [type, JSON.parse(inner)]);
      assert.equal(present(event, 'BODY').contentType, type);
    }
  });

  it('goes out without the headers that say so, which it could once be published with', () => {
    const headers = { 'ce-subject': 'forged', 'ce-type': 'forged', 'x-a': 'b' };
    const event = anEvent('{}', undefined, { headers });
    const binary = present(event, 'CLOUDEVENTS_BINARY').headers;
    assert.deepEqual(
      [binary['ce-subject'], binary['ce-type'], binary['x-a']],
      [undefined, 'order.paid', 'b'],
    );
    assert.deepEqual(present(event, 'CLOUDEVENTS_STRUCTURED').headers, { 'x-a': 'b' });
  });
});

describe('a CloudEvent in structured mode', () => {
  const structured = (event: EventBody) => textOf(present(event, 'CLOUDEVENTS_STRUCTURED').body);

  it('is one JSON object with its own media type', () => {
    const event = anEvent('{"id":7}', 'application/json; charset=utf-8', {
      source: 'urn:shop',
      subject: 'ü',
    });
    const presented = present(event, 'CLOUDEVENTS_STRUCTURED');
    assert.equal(presented.contentType, 'application/cloudevents+json; charset=utf-8');
    assert.deepEqual(JSON.parse(textOf(presented.body)), {
      specversion: '1.0',
      id: event.id,
      source: 'urn:shop',
      type: 'order.paid',
      time: '2026-01-02T03:04:05.678Z',
      subject: 'ü',
      datacontenttype: 'application/json; charset=utf-8',
      data: { id: 7 },
    });
  });

  for (const json of ANY_JSON) {
    it(`holds ${json.slice(0, 20)} byte for byte`, () => {
      const text = structured(anEvent(json));
      assert.ok(text.endsWith(`,"data":${json}}`));
      JSON.parse(text);
    });
  }

  it('holds text as a string and bytes as base64', () => {
    const text = JSON.parse(structured(anEvent('a "b"\n', 'text/plain')));
    assert.deepEqual(
      [text.data, text.datacontenttype, 'data_base64' in text],
      ['a "b"\n', 'text/plain', false],
    );
    const bytes = JSON.parse(structured(anEvent(new Uint8Array([0, 1, 2]), 'application/octet-stream')));
    assert.deepEqual([bytes.data_base64, 'data' in bytes], ['AAEC', false]);
  });

  it('has neither data nor its media type where there is none', () => {
    const parsed = JSON.parse(structured(anEvent('')));
    for (const absent of ['data', 'data_base64', 'datacontenttype']) assert.ok(!(absent in parsed), absent);
  });
});

describe('what goes out', () => {
  it('is the same every time', () => {
    const event = anEvent('{"a":1}', undefined, { subject: 'ü', headers: { 'x-a': '1' } });
    for (const format of ['BODY', 'ENVELOPE', 'CLOUDEVENTS_BINARY', 'CLOUDEVENTS_STRUCTURED'] as const) {
      assert.deepEqual(present(structuredClone(event), format), present(event, format));
    }
  });
});
