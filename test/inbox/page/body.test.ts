import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Block, blocksOf, readBody } from './modules.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (blocks: Iterable<Block>) =>
  Array.from(blocks, ({ parts }) => parts.map(([, text]) => text).join(''));
const rawBlocks = (text: string) => [...blocksOf(readBody(bytesOf(text), 'text/plain', true).raw())];

describe('the blocks in which a body is laid out', () => {
  it('are the text, character by character, and never long', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 30, unit: 'binary' }),
      fc.constantFrom('\n', '\n\n', 'word ', '👩🏽‍🚀', 'a\u0301\u0323', '漢', '\u0e33', 'x'.repeat(300)),
    );
    const text = fc.array(fc.tuple(piece, fc.integer({ min: 1, max: 120 })), { maxLength: 12 });
    fc.assert(
      fc.property(text, (pieces) => {
        // Half a character is no text that could have been received.
        const whole = pieces
          .map(([each, times]) => each.repeat(times))
          .join('')
          .toWellFormed();
        const blocks = textOf(rawBlocks(whole));
        assert.equal(blocks.join(''), whole);
        for (const block of blocks) {
          assert.ok(block.length <= 2_000 + 50);
          assert.ok(block.isWellFormed(), 'a character was cut in two');
        }
      }),
    );
  });

  it('are shorter where letters join or stack, which take the square of their number to shape', () => {
    for (const text of ['a\u0301'.repeat(9_000), 'ش'.repeat(9_000), '\u0301'.repeat(9_000)]) {
      for (const block of textOf(rawBlocks(text))) assert.ok(block.length <= 500, String(block.length));
    }
    assert.ok(textOf(rawBlocks('x'.repeat(9_000))).every((block) => block.length <= 2_000));
  });

  it('cut a long line after a word, and no mark from its letter', () => {
    const words = textOf(rawBlocks('word '.repeat(2_000)));
    assert.ok(words.length > 1 && words.every((block) => block.endsWith('word ')));
    const letters = textOf(rawBlocks('e\u0301\u0323'.repeat(2_000)));
    assert.ok(letters.length > 1 && letters.every((block) => block.startsWith('e')));
    const people = textOf(rawBlocks('👩🏽‍🚀'.repeat(500)));
    assert.ok(people.length > 1 && people.every((block) => block.startsWith('👩')));
  });

  it('say which of them begin within a line', () => {
    const goOn = rawBlocks(`${'x'.repeat(5_000)}\nshort`).map(({ goesOn }) => goesOn);
    assert.deepEqual(goOn, [false, true, true]);
    const lines = rawBlocks('a line of a hundred characters or so, '.repeat(3).concat('\n').repeat(200));
    assert.ok(lines.length > 3 && lines.every(({ goesOn }) => !goesOn));
  });
});

describe('what can be shown of a body', () => {
  const pretty = (text: string, type = 'application/json') => {
    const lines = readBody(bytesOf(text), type, true).pretty?.();
    return lines && Array.from(lines, (line) => line.map(([, part]) => part).join(''));
  };

  it('is JSON as it was written, a member a line', () => {
    assert.deepEqual(pretty('{"a":[1,{"b":1.0}],"a":{},"c":"\\u00e9"}'), [
      '{',
      '  "a": [',
      '    1,',
      '    {',
      '      "b": 1.0',
      '    }',
      '  ],',
      '  "a": {},',
      '  "c": "\\u00e9"',
      '}',
    ]);
    assert.deepEqual(pretty('"just text"'), ['"just text"']);
    assert.deepEqual(pretty('[]'), ['[]']);
    assert.equal(pretty('{"a":'), undefined);
  });

  it('is a form with a field a line', () => {
    assert.deepEqual(pretty('name=Ann+Lee&note=50%25', 'application/x-www-form-urlencoded'), [
      'name = Ann Lee',
      'note = 50%',
    ]);
  });

  it('is bytes, sixteen or eight a line, all of them', () => {
    const { hex, binary } = readBody(
      Uint8Array.from({ length: 300 }, (_, i) => i),
      '',
      true,
    );
    assert.equal(binary, true);
    const lines = Array.from(hex(16), ([part]) => part?.[1]);
    assert.equal(lines.length, 19);
    assert.equal(lines[2], '000020  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f   !"#$%&\'()*+,-./');
    assert.equal([...hex(8)].length, 38);
  });
});
