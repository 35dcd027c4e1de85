import type { JsonValue } from '@bufbuild/protobuf';
import { fromJson } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import type { SentPayload } from './payload-world.ts';

const MIB = 1024 * 1024;
const JSON_TYPE = 'application/json';

export const TOO_DEEP = 'a value that is too deep';
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const WORDS = 'Zoë Ångström · 東京 · עברית · 👩🏽‍🚀 · e\u0301 · \u2028\u2029 · \ufeff';

/** Payloads that are easily broken on their way. */
export const KEPT: readonly SentPayload[] = [
  { name: 'no data', raw: Buffer.alloc(0), enveloped: 'null' },
  { ...text('empty text', ''), enveloped: 'null' },
  { ...bytes('no bytes', Buffer.alloc(0)), enveloped: 'null' },
  text('text beyond ASCII', WORDS),
  text('NUL and other control characters', '\0a\0\0b\u0001\u001b\u007f\r\n\t'),
  text('a form', 'a=1&b=%00', 'application/x-www-form-urlencoded'),
  bytes('every byte there is', ALL_BYTES),
  bytes('NUL alone', Buffer.alloc(1)),
  bytes('what is no UTF-8', Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80])),
  {
    ...bytes('bytes that call themselves JSON and are none', Buffer.from('{"a":')),
    contentType: JSON_TYPE,
  },
  { ...bytes('JSON as bytes', Buffer.from('{"ä": 1}')), contentType: JSON_TYPE, enveloped: '{"ä": 1}' },
  jsonText(
    'numbers beyond double precision',
    '[9007199254740993,0.10,1e400,-0,12345678901234567890123456789]',
  ),
  jsonText('the same key twice', '{"a":1,"b":2,"a":3}'),
  jsonText('white space and escapes', ' {\n\t"a" : "\\u00e4\\/\\u0000" ,\r\n"b":[ ]\n}\n'),
  jsonText('keys that JavaScript minds', '{"__proto__":{"a":1},"2":1,"1":2,"constructor":null}'),
  jsonText('half of a surrogate pair, escaped', '"\\ud800"'),
  jsonText('a lone value', 'true'),
  jsonText('text beyond ASCII in JSON', JSON.stringify({ [WORDS]: WORDS })),
  jsonText('ten thousand arrays in each other', nested(10_000)),
  { ...jsonText('another JSON type', '{"a":1.0}'), contentType: 'application/ld+json; charset=utf-8' },
  // With one key at a time: protobuf's maps have no order.
  json('JSON as a value', { a: [1, 'ä\0', null, true, { b: { c: {} } }, -0.5] }),
  json('null as a value', null),
  json('a value as deep as protobuf goes', JSON.parse(nested(32))),
  bytes('bytes of exactly the largest size', Buffer.alloc(MIB, 0xff)),
  text('text of exactly the largest size', 'ä'.repeat(MIB / 2)),
  jsonText('JSON of exactly the largest size', `"${'x'.repeat(MIB - 2)}"`),
  json('a value of exactly the largest size', 'x'.repeat(MIB - 2)),
];

/** Payloads that are refused as INVALID_ARGUMENT, each with the field that is named. */
export const REFUSED: readonly (readonly [SentPayload, string])[] = [
  [bytes('bytes of one more than the largest size', Buffer.alloc(MIB + 1)), 'event.bytes'],
  [text('text of one more', `${'ä'.repeat(MIB / 2)}x`), 'event.text'],
  [jsonText('JSON of one more', `"${'x'.repeat(MIB - 1)}"`), 'event.text'],
  [json('a value of one more', 'x'.repeat(MIB - 1)), 'event.json'],
  [jsonText('text that is no JSON', '{"a":'), 'event.text'],
  [jsonText('two values of JSON', '1 2'), 'event.text'],
  [jsonText('a byte order mark before JSON', '\ufeff{}'), 'event.text'],
  [jsonText('nothing where there should be JSON', ''), 'event.text'],
  [json(TOO_DEEP, JSON.parse(nested(33))), 'event.json'],
  [text('a content type that is none', 'x', 'json'), 'event.content_type'],
];

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function text(name: string, value: string, contentType?: string): SentPayload {
  return {
    name,
    data: { case: 'text', value },
    ...(contentType !== undefined && { contentType }),
    raw: Buffer.from(value),
    enveloped: JSON.stringify(value),
  };
}

function bytes(name: string, value: Uint8Array): SentPayload {
  return {
    name,
    data: { case: 'bytes', value: new Uint8Array(value) },
    raw: value,
    enveloped: `"${Buffer.from(value).toString('base64')}"`,
  };
}

/** JSON that is given as text: it must arrive character for character. */
function jsonText(name: string, value: string): SentPayload {
  return { ...text(name, value, JSON_TYPE), enveloped: value };
}

/** JSON that is given as a google.protobuf.Value: it is written again, with numbers of double precision. */
function json(name: string, value: JsonValue): SentPayload {
  const written = JSON.stringify(value);
  return {
    name,
    data: { case: 'json', value: fromJson(ValueSchema, value) },
    raw: Buffer.from(written),
    enveloped: written,
  };
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}
