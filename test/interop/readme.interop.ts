import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runReadme } from '../support/readme.ts';
import { startCarillon } from '../support/server.ts';

describe('the README', () => {
  it('has commands for grpcurl that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const printed = await runReadme('grpcurl', carillon.port);
    assert.match(printed, /^carillon\.v1\.WebhookService$/m);
    assert.match(printed, /rpc Register/);
    assert.match(printed, /"created": true/);
    assert.match(printed, /"ids": \[/);
  });
});
