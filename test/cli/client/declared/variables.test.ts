// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is what is tested.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { redact, substitute, withoutReferences } from '../../../../src/cli/client/declared/variables.ts';

const ENV = { NAME: 'value', EMPTY: '', MONEY: '$& $1 ${NAME}' };

describe('variables in a text', () => {
  for (const [text, expected] of [
    ['no variable, $NAME, $, {NAME}', 'no variable, $NAME, $, {NAME}'],
    ['<${NAME}> ${NAME}', '<value> value'],
    ['a${EMPTY}b', 'ab'],
    ['${EMPTY:-otherwise} ${MISSING:-} ${MISSING:-a:-b $c} ${NAME:-x}', 'otherwise  a:-b $c value'],
    ['$${NAME} $$${NAME} $${', '${NAME} $${NAME} ${'],
    ['${MONEY}', '$& $1 ${NAME}'],
  ] as const) {
    it(`are put in, once: ${text}`, () => {
      const { text: found, faults } = substitute(text, ENV);
      assert.deepEqual([found, faults], [expected, []]);
    });
  }

  for (const [text, fault] of [
    ['${MISSING}', /^the variable MISSING is not set/],
    ['${}', /has a \$\{ that names no variable/],
    ['${NAME', /names no variable/],
    ['${NAME-x}', /names no variable/],
    ['${1}', /names no variable/],
  ] as const) {
    it(`are refused where they are none: ${text}`, () => {
      const { faults } = substitute(text, ENV);
      assert.equal(faults.length, 1);
      assert.match(faults[0]!, fault);
    });
  }

  it('are in no text that was written without them', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':-', '&', "'") });
    fc.assert(
      fc.property(text, (written) => {
        const { text: read, faults, used } = substitute(withoutReferences(written), {});
        assert.deepEqual([read, faults, used.size], [written, [], 0]);
      }),
    );
  });

  it('are not told: their names stand in messages, the longest value first', () => {
    const used = new Map([
      ['SHORT', '8'],
      ['PART', 'secret'],
      ['WHOLE', 'secret-token'],
    ]);
    assert.equal(redact('secret-token, secret, 8', used), '${WHOLE}, ${PART}, 8');
    assert.equal(redact('"Bearer secret-to…" is no filter', used), '"Bearer ${WHOLE}…" is no filter');
    assert.equal(redact('a list…', used), 'a list…');
  });
});
