import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/rest.md';

describe('the page about REST', () => {
  it('has commands that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands(PAGE, 'rest', carillon);
    assert.match(printed, /"deliveryCount": ?1/);
    assert.match(printed, /"cancelledCount"|\{\}/);
    assert.match(printed, /"ids": ?\["wh_/);
  });

  it('has a stream of lines that is answered line by line', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const lines = (await runCommands(PAGE, 'stream', carillon)).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).result.response.id),
      ['a1', 'a2'],
    );
  });

  it('marks no commands that no test runs', () => {
    assert.deepEqual(commandsOf(PAGE).toSorted(), ['rest', 'stream']);
  });
});
