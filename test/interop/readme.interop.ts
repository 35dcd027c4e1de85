import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

describe('the documentation', () => {
  it('has commands for grpcurl that work, in the README', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runCommands('README.md', 'grpcurl', carillon);
    assert.match(printed, /^carillon\.v1\.WebhookService$/m);
    assert.match(printed, /rpc Register/);
    assert.match(printed, /"created": true/);
    assert.match(printed, /"ids": \[/);
  });

  it('has commands for grpcurl that work, on the page about events', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    assert.match(await runCommands('docs/events.md', 'grpcurl', carillon), /"id": "evt_/);
  });
});
