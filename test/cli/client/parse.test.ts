import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLIENT_COMMANDS } from '../../../src/cli/client/all-commands.ts';
import { type Group, UsageError } from '../../../src/cli/client/command.ts';
import { parse } from '../../../src/cli/client/parse.ts';

function parsed(group: Group, verb: string, ...argv: string[]) {
  const command = CLIENT_COMMANDS[group].find((each) => each.verb === verb) ?? assert.fail(verb);
  const { argument, flags } = parse(group, command, argv);
  return { argument, flags: Object.fromEntries(flags) };
}

describe('A command line', () => {
  it('has flags with values in either way, switches, and an operand anywhere', () => {
    assert.deepEqual(parsed('webhooks', 'update', '--every', '5s', 'joe', '--name=a=b', '--json'), {
      argument: 'joe',
      flags: { '--every': ['5s'], '--name': ['a=b'], '--json': [''] },
    });
  });

  it('keeps every value of a flag in order', () => {
    const { flags } = parsed('webhooks', 'register', '--event-type', 'a', '--event-type=b');
    assert.deepEqual(flags['--event-type'], ['a', 'b']);
  });

  it('takes a value that begins with a dash, and - for standard input', () => {
    assert.deepEqual(parsed('events', 'publish', 't', '--data', '-').flags, { '--data': ['-'] });
    assert.deepEqual(parsed('events', 'publish', 't', '--data', '-5').flags, { '--data': ['-5'] });
  });

  it('takes what follows -- as an operand', () => {
    assert.equal(parsed('webhooks', 'get', '--', '--odd-name').argument, '--odd-name');
  });

  for (const [group, verb, argv, message] of [
    [
      'webhooks',
      'list',
      ['--nmae', 'x'],
      '"--nmae" is not an option (did you mean --name?); see carillon webhooks list --help',
    ],
    [
      'webhooks',
      'list',
      ['--frobnicate'],
      '"--frobnicate" is not an option; see carillon webhooks list --help',
    ],
    ['webhooks', 'list', ['joe'], 'unexpected "joe"; see carillon webhooks list --help'],
    ['webhooks', 'get', ['a', 'b'], 'unexpected "b"; see carillon webhooks get --help'],
    [
      'webhooks',
      'get',
      [],
      'webhooks get needs <webhook>: its id, or its name if no other has it; see carillon webhooks get --help',
    ],
    [
      'webhooks',
      'get',
      [''],
      'webhooks get needs <webhook>: its id, or its name if no other has it; see carillon webhooks get --help',
    ],
    ['webhooks', 'list', ['--name'], '--name needs a value: --name <name>'],
    ['webhooks', 'list', ['--name', '--json'], '--name needs a value: --name <name>'],
    ['webhooks', 'list', ['--json=yes'], '--json takes no value'],
  ] as const) {
    it(`is refused when it is ${[group, verb, ...argv].join(' ')}`, () => {
      assert.throws(() => parsed(group, verb, ...argv), new UsageError(message));
    });
  }
});
