import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contentKind, isMediaType } from '../../../src/domain/event/media-type.ts';

describe('a media type', () => {
  it('is a type, a subtype and parameters', () => {
    for (const good of [
      'text/plain',
      'application/json; charset=utf-8',
      'application/vnd.acme+json;v="a b"',
      'a/b;c=d ; e=f',
    ]) {
      assert.ok(isMediaType(good), good);
    }
    for (const bad of [
      '',
      'text',
      'text/',
      '/plain',
      'text/plain;',
      'text/plain; charset',
      'text/plain\r\nx: y',
    ]) {
      assert.ok(!isMediaType(bad), bad);
    }
  });

  const kinds = {
    JSON: [
      'application/json',
      'Application/JSON; charset=utf-8',
      'text/json',
      'application/problem+json',
      'application/vnd.github+json;v=3',
    ],
    TEXT: [
      'text/plain',
      'text/csv; header=present',
      'application/xml',
      'image/svg+xml',
      'application/x-www-form-urlencoded',
      'application/yaml',
      'application/x-ndjson',
      'application/whatever; charset=utf-8',
    ],
    BYTES: [
      'application/octet-stream',
      'image/png',
      'application/jsonish',
      'application/xml-dtd',
      'font/woff2',
      '',
    ],
  } as const;
  for (const [kind, types] of Object.entries(kinds)) {
    for (const type of types) {
      it(`"${type}" says ${kind}`, () => assert.equal(contentKind(type), kind));
    }
  }
});
