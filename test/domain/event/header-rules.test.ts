import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  HEADER_NAME_LENGTH_MAX,
  HEADER_VALUE_LENGTH_MAX,
  HEADERS_TOTAL_BYTES_MAX,
  headerValueFault,
  headerViolations,
} from '../../../src/domain/event/header-rules.ts';

const descriptionOf = (name: string, value = 'x') => headerViolations({ [name]: value })[0]?.description;

describe('the extra headers of a webhook', () => {
  it('may have any token for a name and any printable value', () => {
    const headers = {
      authorization: 'Bearer abc.def==',
      'X-Custom_Header.1': 'a b\tc',
      'x-empty': '',
      'x-latin': 'é ÿ',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'content-encoding': 'gzip',
      tea: 'not te',
      webhooks: 'not webhook-',
    };
    assert.deepEqual(headerViolations(headers), []);
  });

  const hopByHop = [
    'connection',
    'keep-alive',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'Transfer-Encoding',
    'CONNECTION',
  ];
  for (const name of hopByHop) {
    it(`cannot have ${name}, which is hop-by-hop`, () => {
      assert.match(descriptionOf(name) ?? 'taken', /concerns the connection/);
    });
  }

  const ours = [
    'host',
    'Host',
    'content-length',
    'user-agent',
    'expect',
    'webhook-id',
    'Webhook-Signature',
    'webhook-',
    'carillon-attempt',
    'CARILLON-anything',
  ];
  for (const name of ours) {
    it(`cannot have ${name}, which Carillon sets`, () => {
      assert.match(descriptionOf(name) ?? 'taken', /set by Carillon/);
    });
  }

  it('cannot have ce-, by which an event would be taken for another', () => {
    for (const name of ['ce-id', 'CE-Subject', 'ce-traceparent', 'ce-']) {
      assert.match(
        descriptionOf(name) ?? 'taken',
        /attribute of CloudEvents: give an event extensions/,
        name,
      );
    }
    assert.equal(descriptionOf('cell'), undefined);
  });

  it('cannot have content-type, and are told where it goes', () => {
    assert.match(descriptionOf('content-type') ?? 'taken', /payload\.content_type/);
  });

  it('cannot have a name that is not a token', () => {
    assert.match(descriptionOf('') ?? 'taken', /has no name/);
    for (const name of [
      'x y',
      'x:y',
      'x\r\ny',
      'x\u0000',
      'é',
      ' x',
      'x(y)',
      '"x"',
      'x/y',
      '\u017fecret',
      ':path',
    ]) {
      assert.match(descriptionOf(name) ?? 'taken', /not a token/, JSON.stringify(name));
    }
  });

  it('cannot have a control character or one outside Latin-1 in a value', () => {
    const controls = [...Array(32).keys(), ...Array.from({ length: 33 }, (_, i) => 127 + i)].filter(
      (code) => code !== 9,
    );
    for (const character of [
      ...controls.map((code) => String.fromCharCode(code)),
      '\u0100',
      '\u2028',
      '€',
      '🚀',
    ]) {
      assert.match(
        descriptionOf('x-name', `a${character}b`) ?? 'taken',
        /cannot carry/,
        JSON.stringify(character),
      );
    }
  });

  it('cannot have white space at the ends of a value', () => {
    for (const value of [' a', 'a ', '\ta', 'a\t', ' ']) {
      assert.match(descriptionOf('x-name', value) ?? 'taken', /white space/, JSON.stringify(value));
    }
  });

  it('may be as long as the bounds, and no longer', () => {
    assert.equal(descriptionOf('n'.repeat(HEADER_NAME_LENGTH_MAX)), undefined);
    assert.match(
      descriptionOf('n'.repeat(HEADER_NAME_LENGTH_MAX + 1)) ?? 'taken',
      /129 characters: give at most 128/,
    );
    assert.equal(descriptionOf('x', 'v'.repeat(HEADER_VALUE_LENGTH_MAX)), undefined);
    assert.match(
      descriptionOf('x', 'v'.repeat(HEADER_VALUE_LENGTH_MAX + 1)) ?? 'taken',
      /4097 characters: give at most 4096/,
    );
  });

  it('may be as big together as the bound, and no bigger', () => {
    const half = HEADERS_TOTAL_BYTES_MAX / 2 - 5;
    assert.deepEqual(headerViolations({ a: 'v'.repeat(half), b: 'v'.repeat(half) }), []);
    assert.deepEqual(
      headerViolations({ a: 'v'.repeat(half), b: 'v'.repeat(half + 1) }).map(({ field }) => field),
      ['webhook.headers'],
    );
  });

  it('cannot have the same name in two cases', () => {
    const violations = headerViolations({ 'X-Token': '1', 'x-token': '2' });
    assert.deepEqual(
      violations.map(({ field }) => field),
      ['webhook.headers["x-token"]'],
    );
    assert.match(violations[0]?.description ?? '', /comes twice/);
  });

  it('are all judged, each by its own path, with the name escaped', () => {
    const violations = headerViolations({ host: 'a', good: 'b', 'x\n': 'c' }, 'headers');
    assert.deepEqual(
      violations.map(({ field }) => field),
      ['headers["host"]', 'headers["x\\n"]'],
    );
  });
});

describe('a header value by itself', () => {
  it('is judged for content types', () => {
    assert.equal(headerValueFault('text/plain; charset=utf-8'), undefined);
    assert.match(headerValueFault('text/plain\r\nx-injected: 1') ?? 'taken', /cannot carry/);
  });
});
