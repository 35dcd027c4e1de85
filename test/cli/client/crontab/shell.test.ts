import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { NotSimple, parseCommand } from '../../../../src/cli/client/crontab/shell.ts';

const ENV = { TOKEN: 'abc', EMPTY: '', SPACED: 'a b' };
const parse = (text: string) => parseCommand(text, new Map(Object.entries(ENV)));

describe('a command line', () => {
  for (const text of [
    'curl a b',
    'curl \'a b\' "c d" e\\ f',
    'curl "a\'b" \'c"d\' a""b \'\' ""',
    'curl "\\$x \\" \\\\ \\` \\n \\a" \\$y \\a \\\\',
    "curl 'it'\\''s'",
    `curl $TOKEN "$\{TOKEN}x" $TOKEN/y "$SPACED" x$EMPTY`,
    'curl http://a/b?c=1 {a,b} a=b % ^ ! , $ "$" $/',
    "curl a#b # c d's",
    'curl -d\'{"a": [1, "x"]}\' -H"a: b"',
    '  curl\ta\t ',
  ]) {
    it(`has the words that a shell makes of it: ${text}`, () => {
      const script = `set -f; printf '%s\\0' ${text}\n`;
      const words = execFileSync('sh', ['-c', script], { env: ENV, encoding: 'utf8' })
        .split('\0')
        .slice(0, -1);
      assert.deepEqual(parse(text), { words, outputs: [] });
    });
  }

  it('sends its output where nobody reads it, or to files, which are named', () => {
    for (const end of [
      '>/dev/null 2>&1',
      '> /dev/null',
      '2>/dev/null',
      '&>/dev/null',
      '1> /dev/null 2> /dev/null',
      '2>&1 >/dev/null',
      '>&2',
    ]) {
      assert.deepEqual(parse(`curl a ${end}`), { words: ['curl', 'a'], outputs: [] }, end);
    }
    assert.deepEqual(parse('curl a2 >> "/var/log/my log" 2>&1 b'), {
      words: ['curl', 'a2', 'b'],
      outputs: ['/var/log/my log'],
    });
    assert.deepEqual(parse('curl a>b'), { words: ['curl', 'a'], outputs: ['b'] });
  });

  for (const [text, reason] of [
    ['curl a | logger', /^\| joins it to another command/],
    ['curl a || true', /^\|\| joins/],
    ['cd /x && curl a', /^&& outside quotes ends the command/],
    ['curl http://a/?b=1&c=2', /^& outside quotes ends the command, in a URL too/],
    ['sleep 5; curl a', /^; joins/],
    ['curl -d @- a < file', /^< reads a file/],
    ['(curl a)', /^\( begins a sub-shell/],
    ['curl "$(date)"', /runs another command/],
    ['curl `date`', /runs another command/],
    ['curl $MISSING', /does not set the variable MISSING/],
    [`curl "$\{TOKEN:-x}"`, /\$\{ means something that only a shell knows/],
    ['curl $1', /only a shell knows/],
    ["curl $'a'", /only a shell knows/],
    ['curl $SPACED', /\$SPACED has a space in it/],
    ["curl 'a", /^a ' is not closed/],
    ['curl "a', /^a " is not closed/],
    ['curl a >', /names no file/],
  ] as const) {
    it(`is refused where it takes a shell: ${text}`, () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof NotSimple && reason.test(error.message),
      );
    });
  }
});
