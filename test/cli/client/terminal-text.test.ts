import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clip, pad, plain, plainLines, widthOf } from '../../../src/cli/client/terminal-text.ts';

describe('Text of others', () => {
  it('cannot move the cursor, change colours, ring the bell, or turn around what follows', () => {
    assert.equal(
      plain('a\u001b[31mb\u0007c\u009bd\u202ee\u2066f'),
      'a\ufffd[31mb\ufffdc\ufffdd\ufffde\ufffdf',
    );
    assert.equal(plain('a\r\nb\tc'), 'a⏎b c');
    assert.equal(plain('lone \ud800 surrogate'), 'lone \ufffd surrogate');
  });

  it('is otherwise as it was', () => {
    for (const text of ['order.paid', 'Ünïcödé', '日本語', '👩‍💻', 'a "b" \\c'])
      assert.equal(plain(text), text);
  });

  it('keeps its lines where lines are shown', () => {
    assert.equal(plainLines('a\u001b\r\nb\nc'), 'a\ufffd\nb\nc');
  });
});

describe('Width', () => {
  for (const [text, width] of [
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['👩‍💻', 2],
    ['a日', 3],
  ] as const) {
    it(`of ${JSON.stringify(text)} is ${width}`, () => assert.equal(widthOf(text), width));
  }

  it('is kept to by clipping, without cutting a letter in two', () => {
    assert.equal(clip('abcdef', 6), 'abcdef');
    assert.equal(clip('abcdef', 4), 'abc…');
    assert.equal(clip('日本語', 4), '日…');
    assert.equal(clip('👩‍💻👩‍💻', 3), '👩‍💻…');
    assert.equal(clip('abc', 1), '…');
    assert.equal(clip('abc', 0), '');
  });

  it('is filled up with spaces on the side that there is', () => {
    assert.equal(pad('日', 4), '日  ');
    assert.equal(pad('7', 3, 'right'), '  7');
    assert.equal(pad('abc', 2), 'abc');
  });
});
