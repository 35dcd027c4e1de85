import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../../src/cli/client/declared/documents.ts';
import type { Path } from '../../../../src/cli/client/declared/source-line.ts';

const read = (text: string) => itemsOf('x.yaml', text);
const valuesOf = (text: string) => {
  const { items, problems } = read(text);
  assert.deepEqual(problems, []);
  return items.map(({ value }) => value);
};

describe('a file', () => {
  it('has documents, lists, and nothing where only comments are', () => {
    assert.deepEqual(valuesOf('a: 1\n---\n- b: 2\n- c: 3\n---\n# nothing\n---\n{"d": [4]}\n'), [
      { a: 1 },
      { b: 2 },
      { c: 3 },
      { d: [4] },
    ]);
    assert.deepEqual(valuesOf(''), []);
    assert.deepEqual(valuesOf('# only this\n'), []);
  });

  it('is read by YAML 1.2, so that text stays text', () => {
    assert.deepEqual(valuesOf('a: yes\nb: 010\nc: 2026-01-01T00:00:00Z\nd: 12:30\ne: "\\ud83d\\ude00"\n'), [
      { a: 'yes', b: 10, c: '2026-01-01T00:00:00Z', d: '12:30', e: '😀' },
    ]);
  });

  it('knows the lines of values, in lists and behind anchors', () => {
    const text =
      '- &base\n  labels:\n    a: b\n  list: [1,\n    2]\n- <<: *base\n  own: x\n---\nretry_policy:\n  delays:\n    - 1s\n';
    const [first, second, third] = read(text).items;
    const lines = (item: typeof first, ...paths: Path[]) => paths.map((path) => item!.lineOf(path).line);
    assert.deepEqual(
      lines(first, [], ['labels'], ['labels', 'a'], ['list', 1], ['labels', 'gone']),
      [2, 2, 3, 5, 2],
    );
    assert.deepEqual(lines(second, [], ['own'], ['labels', 'a'], ['unknown']), [6, 7, 3, 6]);
    assert.deepEqual(lines(third, ['retryPolicy', 'delays', 0]), [11]);
  });

  for (const [what, text, line, message] of [
    ['a key that comes twice', 'a: 1\na: 2\n', 2, /unique/],
    ['a tag that is not known', 'a: !secret x\n', 1, /tag/],
    ['an anchor that is not there', 'a: *none\n', 1, /none/],
    ['brackets that are not closed', '---\na: 1\n---\nb: [1\n', 5, /flow/i],
    ['anchors that multiply', bomb(), 1, /alias/],
    ['brackets within brackets', '['.repeat(100_000), 1, /./],
  ] as const) {
    it(`is refused for ${what}, with the line`, () => {
      const { items, problems } = read(text);
      assert.ok(problems.length > 0);
      assert.equal(problems[0]!.at.line, line);
      assert.match(problems[0]!.message, message);
      assert.ok(items.length <= 1);
    });
  }
});

/** A few lines that stand for a billion of laughs. */
function bomb(): string {
  const lines = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);
  return `a0: &a0 [lol]\n${lines.join('\n')}\n`;
}
