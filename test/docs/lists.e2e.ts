import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/lists.md';

describe('the page about lists', () => {
  it('has commands that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands(PAGE, 'lists', carillon);
    assert.match(printed, /^no deliveries\nno events\nno webhooks\n\{\}$/);
  });

  it('marks no commands that no test runs', () => {
    assert.deepEqual(commandsOf(PAGE), ['lists']);
  });
});
