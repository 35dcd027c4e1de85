import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { plainJson } from '../../../src/rpc/transport/json-plain.ts';
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, parseLongJson } from '../../../src/rpc/transport/json-text.ts';

const BOUNDS = { depthMax: 4, valuesMax: 1_000 };

describe('a JSON text is plain', () => {
  for (const text of [
    '{}',
    '[]',
    ' {"a":1, "b" : [true,{"a":null}]}\n',
    '{"a:":"b:{[\'","c":["::"]}',
    '{"__proto__":{"a":1},"constructor":2}',
    '[[[[]]]]',
    '{"text":"{\\"order\\":1001,\\"paid\\":true}"}',
    '{"a":"\\u0022:","b\\"":"\\\\","c":"\\\\\\":","d":1}',
  ]) {
    test(`as ${text.trim()}`, () => assert.deepEqual(plainJson(text, BOUNDS), JSON.parse(text)));
  }
});

describe('a JSON text is looked at thoroughly', () => {
  for (const [why, text] of [
    ['whose outermost object has a member twice', '{"a":1,"b":2,"a":3}'],
    ['that has a member twice further in', '{"a":[{"b":{"c":1,"c":1}}]}'],
    ['of which a member twice hides a whole object', '{"a":{"b":1,"c":2},"a":3}'],
    ['that nests too deep', '[[[[[]]]]]'],
    ['with a member twice behind a string that ends in a backslash', '{"a":"\\\\","b":1,"b":2}'],
    ['with an escape that there is not', '{"a":"\\x","b":1}'],
    ['whose last quote is escaped', '{"a":"b\\"}'],
    ['with a name that is the same once it is unescaped', '{"a":1,"\\u0061":2}'],
    ['whose string does not end', '{"a":"b}'],
    ['that is broken', '{"a":1,}'],
    ['with something behind it', '{"a":1}{'],
    ['that is no object', '"a"'],
    ['of nothing', ''],
    ['that could have too many values', `[${'1,'.repeat(600)}1]`],
  ] as const) {
    test(why, () => assert.equal(plainJson(text, BOUNDS), undefined));
  }
});

test('whatever is plain has the same value and nothing to be told when it is looked at thoroughly', async () => {
  const bounds = { depthMax: JSON_DEPTH_MAX, valuesMax: JSON_VALUES_MAX };
  const turns = { isOver: () => false, next: async () => {} };
  const piece = fc.constantFrom(
    ...['{', '}', '[', ']', ',', ':', '"', '"a":', '"a"', '"b":', '"__proto__":', '{}', '[]', '{"a":1}'],
    ...['-0', '1e400', '01', '1', 'null', 'true', ' ', '\n', '\u00a0', '\ufeff', '\\u0061', '\ud800'],
    ...['\\', '\\\\', '\\"', '"\\\\"', '"\\":"', '"\\u0061":'],
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const member = fc.tuple(fc.constantFrom('a', 'b', '__proto__', '0', ':'), fc.oneof(text, fc.json()));
  const object = fc
    .array(member, { maxLength: 4 })
    .map((members) => `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`);
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, object), async (json) => {
      const value = plainJson(json, bounds);
      if (value !== undefined) assert.deepEqual(await parseLongJson(json, turns), { value, duplicates: [] });
    }),
    { numRuns: 2_000 },
  );
});
