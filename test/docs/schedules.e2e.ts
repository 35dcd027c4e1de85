import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { blockOf } from '../support/docs.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/schedules.md';

describe('the page about schedules', () => {
  it('shows a preview as it is printed', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands(PAGE, 'preview', carillon);
    // How far away a run is changes from day to day.
    assert.equal(printed.replaceAll(/ {2}in \d+d$/gm, ''), blockOf(PAGE, 'printed', 'preview'));
  });

  it('shows a backfill as it is printed', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands(PAGE, 'backfill', carillon);
    assert.ok(printed.endsWith(`\n${blockOf(PAGE, 'printed', 'backfill')}`), printed);
  });

  it('marks no commands that no test runs', () => {
    assert.deepEqual(commandsOf(PAGE).toSorted(), ['backfill', 'preview']);
  });
});
