import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLIENT_COMMANDS } from '../../../src/cli/client/all-commands.ts';
import { COMMON, GROUPS, LONE } from '../../../src/cli/client/command.ts';
import { DELIVERY_VERBS } from '../../../src/cli/client/delivery/verbs.ts';
import { EVENT_VERBS } from '../../../src/cli/client/event/verbs.ts';
import { KEY_VERBS } from '../../../src/cli/client/key/verbs.ts';
import { LONE_COMMANDS } from '../../../src/cli/client/lone.ts';
import { LONE_VERBS } from '../../../src/cli/client/lone-verbs.ts';
import { NAMESPACE_VERBS } from '../../../src/cli/client/namespace/verbs.ts';
import { parse } from '../../../src/cli/client/parse.ts';
import { SCHEDULE_VERBS } from '../../../src/cli/client/schedule/verbs.ts';
import { WEBHOOK_VERBS } from '../../../src/cli/client/webhook/verbs.ts';

const VERBS = {
  webhooks: WEBHOOK_VERBS,
  events: EVENT_VERBS,
  deliveries: DELIVERY_VERBS,
  schedules: SCHEDULE_VERBS,
  namespaces: NAMESPACE_VERBS,
  keys: KEY_VERBS,
};

describe('The commands that are clients of the API', () => {
  for (const group of GROUPS) {
    it(`are all written, and no others: ${group}`, () => {
      const told = CLIENT_COMMANDS[group].map(({ verb }) => verb);
      assert.deepEqual(Object.keys(VERBS[group]).toSorted(), told.toSorted());
    });

    it(`have examples that can be run: ${group}`, () => {
      for (const command of CLIENT_COMMANDS[group]) {
        assert.ok(command.examples.length > 0, command.verb);
        for (const example of command.examples) parse(group, command, wordsOf(example));
      }
    });
  }

  it('are all written where they stand in no group, and have examples that can be run', () => {
    assert.deepEqual(Object.keys(LONE_VERBS).toSorted(), [...LONE].toSorted());
    for (const verb of LONE) {
      const command = LONE_COMMANDS[verb];
      assert.equal(command.verb, verb);
      assert.ok(command.examples.length > 0, verb);
      for (const example of command.examples) parse('', command, wordsOf(example));
    }
  });

  it('have each flag once, those that all commands take among them', () => {
    const commands = [...GROUPS.flatMap((group) => CLIENT_COMMANDS[group]), ...Object.values(LONE_COMMANDS)];
    for (const { verb, options } of commands) {
      const flags = [...COMMON, ...options].flatMap(({ flag, short }) => [flag, ...(short ? [short] : [])]);
      const twice = flags.filter((flag, i) => flags.indexOf(flag) < i);
      assert.deepEqual(twice, [], verb);
    }
  });
});

/** As a shell takes it apart, with quotes of either kind, and without a redirection. */
function wordsOf(line: string): string[] {
  const [command = ''] = line.split(' < ');
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}
