import assert from 'node:assert/strict';
import { it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/verifying.md';

it('the page about verifying has commands that send something to its programs', async () => {
  await using carillon = await startCarillon({ command: 'dev' });
  assert.deepEqual(commandsOf(PAGE), ['register', 'publish']);
  const registered = await runCommands(PAGE, 'register', carillon);
  assert.match(registered, /^secret +whsec_/m);
  assert.match(registered, /^destination +http:\/\/127\.0\.0\.1:4000\/$/m);
  assert.match(await runCommands(PAGE, 'publish', carillon), /published, 1 delivery/);
});
