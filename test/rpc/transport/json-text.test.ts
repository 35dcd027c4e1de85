import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../../../src/domain/error.ts';
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, parseJson } from '../../../src/rpc/transport/json-text.ts';

function complaint(text: string): string {
  try {
    parseJson(text);
  } catch (error) {
    assert.ok(error instanceof DomainError);
    return error.message;
  }
  return 'none';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('parseJson', () => {
  it('takes what JSON.parse takes, and makes the same of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        assert.deepEqual(parseJson(text), { value: JSON.parse(text), duplicates: [] });
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"',
      '\\',
      '\n',
      '\u0001',
      '1',
      '-',
      '.5',
      'e3',
      '01',
      'true',
      'nul',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }), (parts) => {
        const text = parts.join('');
        assert.equal(complaint(text) === 'none', isJson(text), text);
      }),
      { numRuns: 2000 },
    );
  });

  it('says where a text is broken, and what was expected', () => {
    assert.match(complaint('{"a": 1,\n "b" 2}'), /expected ":" but found "2" at line 2, column 6$/);
    assert.match(
      complaint('{"a": 1,}'),
      /expected a member name in double quotes but found "}" at line 1, column 9$/,
    );
    assert.match(complaint('[1, 2'), /expected "," or "]" but found the end at line 1, column 6$/);
    assert.match(complaint('{"a": nope}'), /expected a value but found "n" at line 1, column 7$/);
    assert.match(complaint('{} x'), /expected nothing more but found "x" at line 1, column 4$/);
    assert.match(complaint('"a\\x"'), /expected a valid escape/);
    assert.match(complaint('"a\nb"'), /expected the end of a string, or an escape/);
    assert.match(complaint(' \n'), /is empty/);
  });

  it('names members that are given twice by their paths, also when one is written in escapes', () => {
    const text = '{"a": {"b": 1, "\\u0062": 2}, "list": [{}, {"x": 1, "x": 1}], "a": 1}';
    assert.deepEqual(parseJson(text).duplicates, ['a.b', 'list[1].x', 'a']);
  });

  it('bounds how deep a text nests, before it is built', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    assert.equal(complaint(nested(JSON_DEPTH_MAX)), 'none');
    assert.match(complaint(nested(JSON_DEPTH_MAX + 1)), /nests deeper than 64/);
    assert.match(complaint('[{"a":'.repeat(500_000)), /nests deeper than 64/);
  });

  it('bounds how many values a text has, since each costs more than its bytes', () => {
    const listed = (count: number) => `[${'1,'.repeat(count - 2)}1]`;
    assert.equal(complaint(listed(JSON_VALUES_MAX)), 'none');
    assert.match(complaint(listed(JSON_VALUES_MAX + 1)), /more than 50000 values/);
  });
});
