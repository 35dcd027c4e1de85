import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/lists.md';

describe('the page about lists', () => {
  it('has commands that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands(PAGE, 'lists', carillon);
    assert.match(
      printed,
      /no deliveries\nno events\n.*\bshop\b.*\{"webhooks": ?\[\{.*"labels": ?\{"team": ?"shop"\}/s,
    );
  });

  it('has commands about many that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands(PAGE, 'many', carillon);
    assert.match(printed, /^no webhooks\nno webhooks\n\{\}\{"results": ?\[.*"created".*\}\{"webhooks": ?\[/s);
    assert.match(printed, /removed a\nremoved b\n$/);
  });

  it('has commands about views that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    await runCommands(PAGE, 'lists', carillon);
    const printed = await runCommands(PAGE, 'view', carillon);
    assert.match(printed, /shop.*"effective": ?\{.*"traffic": ?\{/s);
  });

  it('marks no commands that no test runs', () => {
    assert.deepEqual(commandsOf(PAGE), ['lists', 'view', 'many']);
  });
});
