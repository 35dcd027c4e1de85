import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLIENT_COMMANDS } from '../../../src/cli/client/all-commands.ts';
import { GROUPS } from '../../../src/cli/client/command.ts';
import { allWords } from '../../../src/cli/completion/words.ts';
import { run } from '../../../src/cli/run.ts';
import { testWorld } from '../../support/world.ts';

async function carillon(...argv: string[]) {
  const world = testWorld();
  const code = await run(argv, world);
  return { code, ...world.printed };
}

describe('carillon completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`knows every command and option in ${shell}`, async () => {
      const { code, out, err } = await carillon('completion', shell);
      assert.deepEqual([code, err], [0, '']);
      for (const group of GROUPS) {
        for (const { verb, options } of CLIENT_COMMANDS[group]) {
          for (const word of [verb, ...options.map(({ flag }) => flag.slice(2))]) {
            assert.ok(out.includes(word), `${group} ${verb}: ${word}`);
          }
        }
      }
    });
  }

  it('knows what other words do as well', () => {
    const flagsOf = (...path: string[]) =>
      allWords().commands.find((each) => each.path.join(' ') === path.join(' '))?.flags;
    assert.ok(flagsOf('status')?.length);
    assert.deepEqual(flagsOf('health'), flagsOf('status'));
    assert.deepEqual(flagsOf('webhooks', 'rm'), flagsOf('webhooks', 'remove'));
  });

  it('offers words, files, or nothing behind an option, by what help says of it', () => {
    const { commands } = allWords();
    const value = (path: string, flag: string) =>
      commands.find((each) => each.path.join(' ') === path)?.flags.find(({ flags }) => flags.includes(flag))
        ?.value;
    assert.deepEqual(value('webhooks ls', '--state'), {
      kind: 'words',
      words: ['active', 'paused', 'disabled'],
    });
    assert.deepEqual(value('webhooks register', '--from'), { kind: 'file' });
    assert.deepEqual(value('webhooks register', '--template'), { kind: 'file' });
    assert.deepEqual(value('apply', '-f'), { kind: 'file' });
    assert.deepEqual(value('serve', '--db'), { kind: 'file' });
    assert.deepEqual(value('serve', '--grpc-listen'), { kind: 'other' });
    assert.deepEqual(value('webhooks register', '--name'), { kind: 'other' });
    assert.equal(value('webhooks register', '--ordered'), undefined);
    assert.equal(value('dev', '--inbox'), undefined);
  });

  for (const [argv, message] of [
    [[], 'carillon: completion needs a shell; give one of bash, zsh, fish\n'],
    [
      ['bsh'],
      'carillon: "bsh" is no shell that is known (did you mean bash?); give one of bash, zsh, fish\n',
    ],
    [['bash', 'x'], 'carillon: unexpected "x"; give one of bash, zsh, fish\n'],
  ] as const) {
    it(`is refused when it is completion ${argv.join(' ')}`, async () => {
      assert.deepEqual(await carillon('completion', ...argv), { code: 2, out: '', err: message });
    });
  }

  it('says how it is used', async () => {
    for (const argv of [
      ['completion', '--help'],
      ['help', 'completion'],
    ]) {
      const { code, out } = await carillon(...argv);
      assert.equal(code, 0);
      assert.match(out, /source <\(carillon completion bash\)/);
    }
  });
});
