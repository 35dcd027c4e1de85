import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { run } from '../../src/cli/run.ts';
import { VERSION } from '../../src/server/version.ts';
import { testWorld } from '../support/world.ts';

async function outcome(...argv: string[]) {
  const world = testWorld();
  const code = await run(argv, world);
  return { code, ...world.printed };
}

describe('help', () => {
  for (const argv of [['--help'], ['-h'], ['help']]) {
    test(`by ${argv.join(' ')} names the commands`, async () => {
      const { code, out, err } = await outcome(...argv);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^Usage: carillon <command>/m);
      for (const command of ['dev', 'serve', 'migrate', 'apply', 'import-crontab', 'help', 'version'])
        assert.match(out, new RegExp(`^  ${command} `, 'm'));
    });
  }

  for (const argv of [
    ['dev', '--help'],
    ['help', 'dev'],
    ['--help', 'dev'],
    ['dev', '--nonsense', '-h'],
  ]) {
    test(`by ${argv.join(' ')} names the options of dev`, async () => {
      const { code, out, err } = await outcome(...argv);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^carillon dev: /);
      assert.match(out, /^ {2}--listen <host:port>$/m);
      assert.match(out, /default true/);
    });
  }

  for (const argv of [
    ['apply', '--help'],
    ['help', 'apply'],
    ['apply', '-f', 'x', '-h'],
  ]) {
    test(`by ${argv.join(' ')} names the options of a command that stands in no group`, async () => {
      const { code, out, err } = await outcome(...argv);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^carillon apply: /);
      assert.match(out, /^Usage: carillon apply \[options\]$/m);
      assert.match(out, /^ {2}-f, --file <path> …$/m);
      assert.match(out, /^ {2}carillon apply -f hooks\/$/m);
    });
  }

  test('is what one gets for naming no command, as an error', async () => {
    const { code, out, err } = await outcome();
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^Usage: carillon <command>/m);
  });
});

for (const word of ['--version', '-v', 'version']) {
  test(`${word} prints the version`, async () => {
    assert.deepEqual(await outcome(word), { code: 0, out: `carillon ${VERSION}\n`, err: '' });
  });
}

describe('a wrong call is refused in one line on stderr, with exit code 2:', () => {
  for (const [argv, err] of [
    [['delivery'], 'carillon: "delivery" is not a command (did you mean deliveries?); see carillon --help\n'],
    [['sevre'], 'carillon: "sevre" is not a command (did you mean serve?); see carillon --help\n'],
    [['frobnicate'], 'carillon: "frobnicate" is not a command; see carillon --help\n'],
    [['aply'], 'carillon: "aply" is not a command (did you mean apply?); see carillon --help\n'],
    [['apply', 'x'], 'carillon: unexpected "x"; see carillon apply --help\n'],
    [
      ['import-crontab'],
      'carillon: import-crontab needs <file>: a crontab as crontab -l prints it, or - for standard input; ' +
        'see carillon import-crontab --help\n',
    ],
    [['apply', '--dry'], 'carillon: "--dry" is not an option; see carillon apply --help\n'],
    [['--listen'], 'carillon: "--listen" is not a command; see carillon --help\n'],
    [['help', 'sevre'], 'carillon: "sevre" is not a command (did you mean serve?); see carillon --help\n'],
    [
      ['dev', '--lisen', 'x'],
      'carillon: "--lisen" is not an option (did you mean --listen?); see carillon dev --help\n',
    ],
    [['serve', '--inbox=maybe'], 'carillon: --inbox: "maybe" is not allowed; give true or false\n'],
  ] as const) {
    test(argv.join(' '), async () => assert.deepEqual(await outcome(...argv), { code: 2, out: '', err }));
  }
});
