import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { RE2JS } from '@bufbuild/re2';
import fc from 'fast-check';
import { compileRegex, forgetStates } from '../../../src/domain/filter/regex.ts';

/** The steps that looking for a pattern takes. */
function stepsOf(pattern: string, text: string): number {
  let steps = 0;
  compileRegex(pattern).test(text, (taken) => {
    steps += taken;
  });
  return steps;
}

const WORDS = 'lorem ipsum dolor sit amet 2026-01-02T03:04:05 id=4711 joe@example.com /api/v1/orders '.split(
  ' ',
);
const prose = (length: number) => {
  let text = '';
  for (let i = 0; text.length < length; i++) text += `${WORDS[(i * i + 3 * i) % WORDS.length]} `;
  return text;
};
/** Letters without a pattern to them. */
function letters(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    return 'ab'[(state >>> 16) % 2];
  }).join('');
}
const CHINESE = Array.from({ length: 10_000 }, (_, i) => String.fromCodePoint(0x4e00 + (i % 1_500))).join('');

describe('a regular expression', () => {
  afterEach(forgetStates);

  const ordinary: [string, string, number][] = [
    ['[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', prose(5_000), 2_500],
    ['(?i)error|fatal|panic', prose(10_000), 5_000],
    ['(?i)\\b(error|fatal)\\b', prose(10_000), 5_000],
    ['^[a-z.]+@example\\.com$', 'joe.doe@example.com', 1_000],
    ['\\p{Greek}+[a-z]', CHINESE, 12_000],
  ];
  for (const [pattern, text, atMost] of ordinary) {
    it(`on a text of some KB takes a small part of the steps: ${pattern}`, () => {
      const steps = stepsOf(pattern, text);
      assert.ok(steps > text.length / 1_000 && steps <= atMost, `${steps} steps`);
    });
  }

  it('takes the same steps whatever it has learnt from other texts', () => {
    for (const [pattern, text] of ordinary) {
      const first = stepsOf(pattern, text);
      stepsOf(pattern, `${text}Zoë ${text.toUpperCase()}`);
      assert.equal(stepsOf(pattern, text), first, pattern);
      forgetStates();
      assert.equal(stepsOf(pattern, text), first, pattern);
    }
  });

  it('takes the more steps, the more states there are', () => {
    const text = letters(20_000);
    assert.ok(stepsOf('[ab]*a[ab]{60}$', `${text}c`) > 5 * stepsOf('[ab]*a[ab]{2}$', `${text}c`));
  });

  it('makes no more states than its engine has room for while steps are left', () => {
    const text = letters(200_000);
    let left = 50_000;
    const spend = (taken: number) => {
      left -= taken;
      if (left < 0) throw new Error('spent');
    };
    assert.throws(() => compileRegex('(?i)a[ab]{400}$').test(text, spend), /spent/);
  });

  it('matches what its engine does without a meter', () => {
    const patterns = [
      '^a',
      'b$',
      '\\bab\\b',
      '(?i)äb',
      '[^a]c',
      'a{2,3}b',
      '(?m)^b$',
      'a|\\B\\n',
      '(a|ä)+😀',
      '',
    ];
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'A', 'ä', 'Ä', '\n', ' ', '😀'), { maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(...patterns), text, (pattern, parts) => {
        const whole = parts.join('');
        const expected = RE2JS.compile(pattern).test(whole);
        for (let again = 0; again < 2; again++) {
          assert.equal(
            compileRegex(pattern).test(whole, () => {}),
            expected,
            JSON.stringify([pattern, whole]),
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
