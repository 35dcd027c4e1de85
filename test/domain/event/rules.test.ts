import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENT_BYTES_MAX } from '../../../src/domain/event/event.ts';
import {
  contentTypeOf,
  DELIVER_AHEAD_MAX_MS,
  digestOf,
  dueTimeOf,
  type EventDraft,
  eventViolations,
} from '../../../src/domain/event/rules.ts';

const NOW = Date.UTC(2026, 0, 1);
const utf8 = new TextEncoder();

function draft(overrides: Partial<EventDraft> = {}): EventDraft {
  return {
    namespace: 'default',
    type: 'order.paid',
    data: { kind: 'json', body: utf8.encode('{"id":7}') },
    headers: {},
    ...overrides,
  };
}

function text(body: string | Uint8Array, contentType?: string): Partial<EventDraft> {
  const bytes = typeof body === 'string' ? utf8.encode(body) : body;
  return { data: { kind: 'text', body: bytes }, ...(contentType !== undefined && { contentType }) };
}

const judged = (overrides: Partial<EventDraft>, field = '') =>
  eventViolations(draft(overrides), { field, now: NOW });

/** The one thing that is wrong. */
function wrong(overrides: Partial<EventDraft>) {
  const violations = judged(overrides);
  assert.equal(violations.length, 1, JSON.stringify(violations));
  return violations[0]!;
}

describe('an event to publish', () => {
  it('may say nothing but its type', () => {
    assert.deepEqual(judged({ data: { kind: 'none', body: new Uint8Array() } }), []);
  });

  it('may say everything', () => {
    const everything: EventDraft = draft({
      callerId: 'order:7.paid_1-A',
      source: 'https://shop.example.com/orders?x=%20#1',
      subject: 'order 7, für 😀',
      time: Date.UTC(1999, 0, 1),
      contentType: 'application/vnd.shop+json; v=1',
      headers: { 'X-Trace': 'abc' },
      deliver: { at: NOW + DELIVER_AHEAD_MAX_MS },
    });
    assert.deepEqual(eventViolations(everything, { field: '', now: NOW }), []);
  });

  it('is named by its place in the request', () => {
    const violations = judged(
      { type: 'a b', headers: { host: 'x' }, deliver: { afterMs: -1 } },
      'requests[3]',
    );
    assert.deepEqual(
      violations.map(({ field }) => field),
      ['requests[3].event.type', 'requests[3].event.headers["host"]', 'requests[3].delay'],
    );
  });
});

describe('its type', () => {
  it('is of few characters', () => {
    for (const type of ['', 'a b', 'order:paid', 'ü', 'x'.repeat(129)]) {
      assert.deepEqual(wrong({ type }).field, 'event.type', type);
    }
  });

  it("cannot be of Carillon's own", () => {
    assert.match(wrong({ type: 'carillon.webhook.disabled' }).description, /Carillon's own/);
    assert.deepEqual(judged({ type: 'carillon' }), []);
    assert.deepEqual(judged({ type: 'carillonist.moved' }), []);
  });
});

describe('its id', () => {
  it('is 1 to 128 letters, digits and _ . : -', () => {
    assert.deepEqual(judged({ callerId: 'x'.repeat(128) }), []);
    for (const callerId of ['', 'a b', 'a/b', 'ü', 'a\n', 'x'.repeat(129)]) {
      assert.equal(wrong({ callerId }).field, 'event.id', callerId);
    }
  });

  it('is not of the form of an id made by Carillon, with words that say what to do', () => {
    const tail = '01KDVKFM000000000000000000';
    for (const prefix of ['evt', 'msg', 'wh']) {
      const { field, description } = wrong({ callerId: `${prefix}_${tail}` });
      assert.equal(field, 'event.id');
      assert.match(description, new RegExp(`put something before it, such as follow-up-${prefix}_${tail}`));
    }
    for (const callerId of [`follow-up-evt_${tail}`, `evt_${tail}0`, `evt_${tail.toLowerCase()}`, 'evt_1']) {
      assert.deepEqual(judged({ callerId }), []);
    }
  });
});

describe('its source', () => {
  for (const source of [
    '/shop',
    'shop',
    'urn:uuid:1',
    '//host/x',
    'http://[::1]:80/',
    '?q',
    '#f',
    'a/b:c',
    '',
  ]) {
    it(`can be "${source}"`, () => assert.deepEqual(judged({ source }), []));
  }
  for (const source of ['a b', '/ü', '1:2', 'x%zz', '<x>', '#a#b', 'a[0]', '/a\n', `/${'x'.repeat(2048)}`]) {
    it(`cannot be ${JSON.stringify(source.slice(0, 20))}`, () => {
      assert.equal(wrong({ source }).field, 'event.source');
    });
  }
});

describe('its subject', () => {
  it('has no control characters, halves of characters, or too many', () => {
    for (const subject of ['a\u0000b', 'a\nb', '\u0085', '\ud800', '\uffff', '😀'.repeat(1025)]) {
      assert.equal(wrong({ subject }).field, 'event.subject', JSON.stringify(subject.slice(0, 9)));
    }
    assert.deepEqual(judged({ subject: '😀'.repeat(1024) }), []);
  });
});

describe('its time', () => {
  it('is in the years 1 to 9999', () => {
    for (const time of [Date.UTC(9999, 11, 31, 23, 59, 59, 999), -62_135_596_800_000]) {
      assert.deepEqual(judged({ time }), []);
    }
    for (const time of [Date.UTC(10_000, 0), -62_135_596_800_001, Number.NaN]) {
      assert.equal(wrong({ time }).field, 'event.time');
    }
  });
});

describe('its data', () => {
  it('may be as large as the bound, and no larger', () => {
    for (const kind of ['json', 'text', 'bytes'] as const) {
      assert.deepEqual(judged({ data: { kind, body: new Uint8Array(EVENT_BYTES_MAX) } }), []);
      const violation = wrong({ data: { kind, body: new Uint8Array(EVENT_BYTES_MAX + 1) } });
      assert.equal(violation.field, `event.${kind}`);
      assert.match(violation.description, /1048577 bytes; at most 1048576/);
    }
  });

  it('as text is JSON where it says so', () => {
    for (const good of [
      '9007199254740993',
      '{"a":1,"a":2}',
      ' [] ',
      `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
    ]) {
      assert.deepEqual(judged(text(good, 'application/json')), []);
    }
    for (const bad of ['', 'nope', '{"a":1', '\ufeff{}', '{} x', new Uint8Array([0x22, 0xff, 0x22])]) {
      const violation = wrong(text(bad, 'application/vnd.x+json; v=1'));
      assert.equal(violation.field, 'event.text');
      assert.match(violation.description, /must be JSON, as its content type says: /);
    }
  });

  it('as text of another type, or as bytes, is anything', () => {
    assert.deepEqual(judged(text('nope')), []);
    assert.deepEqual(judged(text('nope', 'text/html')), []);
    const body = new Uint8Array([0, 255]);
    assert.deepEqual(judged({ data: { kind: 'bytes', body }, contentType: 'application/json' }), []);
  });

  it('has a media type', () => {
    for (const contentType of ['json', 'text/plain\r\nx: y', 'text/', 'a/b;']) {
      assert.equal(wrong({ contentType }).field, 'event.content_type', contentType);
    }
  });

  it('has a media type by the way it was given', () => {
    const types = Object.fromEntries(
      (['none', 'json', 'text', 'bytes'] as const).map((kind) => [
        kind,
        contentTypeOf({ data: { kind, body: new Uint8Array() } }),
      ]),
    );
    assert.deepEqual(types, {
      none: 'application/octet-stream',
      json: 'application/json',
      text: 'text/plain; charset=utf-8',
      bytes: 'application/octet-stream',
    });
    assert.equal(contentTypeOf(draft({ contentType: 'a/b' })), 'a/b');
  });
});

describe('its headers', () => {
  it("keep the rules of a webhook's, and say where the content type goes", () => {
    assert.equal(wrong({ headers: { 'x-a': 'a\r\nb' } }).field, 'event.headers["x-a"]');
    assert.match(wrong({ headers: { 'content-type': 'a/b' } }).description, /event\.content_type/);
  });
});

describe('its extension attributes', () => {
  it('are judged by their own path', () => {
    assert.deepEqual(judged({ extensions: { traceparent: '00-01' } }), []);
    const { field } = wrong({ extensions: { Trace: 'x' } });
    assert.equal(field, 'event.extensions["Trace"]');
  });
});

describe('its delivery time', () => {
  it('lies at most 366 days ahead', () => {
    assert.deepEqual(judged({ deliver: { afterMs: DELIVER_AHEAD_MAX_MS } }), []);
    assert.equal(wrong({ deliver: { afterMs: DELIVER_AHEAD_MAX_MS + 1 } }).field, 'delay');
    assert.equal(wrong({ deliver: { at: NOW + DELIVER_AHEAD_MAX_MS + 1 } }).field, 'deliver_time');
    assert.equal(wrong({ deliver: { at: Number.NaN } }).field, 'deliver_time');
    assert.equal(wrong({ deliver: { afterMs: Number.NaN } }).field, 'delay');
  });

  it('is now when it has passed', () => {
    assert.deepEqual(judged({ deliver: { at: 0 } }), []);
    assert.equal(dueTimeOf({ deliver: { at: 0 } }, NOW), NOW);
    assert.equal(dueTimeOf({}, NOW), NOW);
    assert.equal(dueTimeOf({ deliver: { at: NOW + 5 } }, NOW), NOW + 5);
    assert.equal(dueTimeOf({ deliver: { afterMs: 7 } }, NOW), NOW + 7);
  });
});

describe('a digest', () => {
  const base = draft({ headers: { a: '1', b: '2' } });

  it('is the same for the same content, however it is written', () => {
    const same: EventDraft[] = [
      { ...base, callerId: 'other', namespace: 'other' },
      { ...base, headers: { B: '2', A: '1' } },
      { ...base, contentType: 'application/json' },
      { ...base, data: { kind: 'text', body: base.data.body }, contentType: 'application/json' },
      { ...base, source: '', subject: '' },
      { ...base, extensions: {} },
    ];
    for (const other of same) assert.equal(digestOf(other), digestOf(base));
    const [one, other] = [
      { a: '1', b: '2' },
      { b: '2', a: '1' },
    ].map((extensions) => ({ ...base, extensions }));
    assert.equal(digestOf(one!), digestOf(other!));
  });

  it('stays what it is from version to version, so that what was published before is known again', () => {
    const hex = Buffer.from(digestOf(base), 'base64url').toString('hex');
    assert.equal(hex, '34f9932e545fa30fe64405b40ea0410f76e5baf2d07539ec7fce94a7b9fa83ac');
  });

  it('is the same for JSON whose objects have their keys in another order', () => {
    const [one, other, different, less] = [
      '{"a":{"__proto__":1,"c":[1,2]},"b":null}',
      '{"b":null,"a":{"c":[1,2],"__proto__":1}}',
      '{"b":null,"a":{"c":[2,1],"__proto__":1}}',
      '{"b":null,"a":{"c":[1,2]}}',
    ].map((json) => digestOf(draft({ data: { kind: 'json', body: utf8.encode(json) } })));
    assert.equal(one, other);
    assert.equal(new Set([one, different, less]).size, 3);
    const texts = ['{"a":1,"b":2}', '{"b":2,"a":1}'].map((json) => draft(text(json, 'application/json')));
    assert.notEqual(digestOf(texts[0]!), digestOf(texts[1]!));
  });

  it('is another for any difference', () => {
    const others: EventDraft[] = [
      base,
      { ...base, type: 'order.sent' },
      { ...base, source: 'a' },
      { ...base, subject: 'a' },
      { ...base, time: NOW },
      { ...base, time: NOW, timeCutNanos: 1 },
      { ...base, time: NOW, timeCutNanos: 2 },
      { ...base, contentType: 'text/plain' },
      { ...base, headers: { a: '1' } },
      { ...base, headers: { a: '2', b: '1' } },
      { ...base, data: { kind: 'json', body: utf8.encode('{"id":8}') } },
      { ...base, extensions: { a: '1' } },
      { ...base, extensions: { a: '2' } },
      { ...base, extensions: { b: '1' }, deliver: { at: 5 } },
      { ...base, deliver: { at: 5 } },
      { ...base, deliver: { at: 5, cutNanos: 1 } },
      { ...base, deliver: { afterMs: 5 } },
    ];
    assert.equal(new Set(others.map(digestOf)).size, others.length);
  });
});
