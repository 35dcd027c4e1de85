import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createAuthority } from '../support/authority.ts';
import { runCommands } from '../support/commands.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';

const PAGE = 'docs/credentials.md';

describe('the page about credentials of destinations', { timeout: 300_000 }, () => {
  it('has commands that do what it says', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'key.txt'), 'the-key-of-next-week\n');
    await writeFile(join(folder.path, 'token.txt'), 'a-token-of-2026-next\n');
    const letIn = await runCommands(PAGE, 'auth', carillon, { cwd: folder.path });
    assert.match(letIn, /"password": ?\{"hint": ?"2026"/);
    assert.match(letIn, /^auth +bearer \*{3}next$/m);
    await writeFile(join(folder.path, 'client-secret.txt'), 'the-secret-of-a-client-of-2028\n');
    const tokens = await runCommands(PAGE, 'oauth', carillon, { cwd: folder.path });
    assert.match(
      tokens,
      /^auth +oauth2 carillon:\*{3}2028 at https:\/\/auth\.example\.com\/oauth\/token, for events:write$/m,
    );
    const registered = JSON.parse(
      await runCommands(PAGE, 'register', carillon, { cwd: folder.path }),
    ).webhook;
    assert.deepEqual(registered.headers, { 'x-team': 'billing' });
    assert.deepEqual(Object.keys(registered.secretHeaders), ['x-key', 'authorization']);
    const authority = createAuthority();
    for (const name of ['client', 'next']) {
      const { cert, key } = authority.client(name);
      await writeFile(join(folder.path, `${name}.pem`), cert);
      await writeFile(join(folder.path, `${name}-key.pem`), key);
    }
    await writeFile(join(folder.path, 'authority.pem'), authority.pem);
    const tls = await runCommands(PAGE, 'tls', carillon, { cwd: folder.path });
    assert.match(tls, /^client certificate +CN=client, [\s\S]*^client certificate +CN=next, /m);
    const updated = await runCommands(PAGE, 'update', carillon, { cwd: folder.path });
    assert.match(updated, /"hint": ?"2027"/);
    assert.match(updated, /secret headers +x-key=\*\*\*week, authorization=\*\*\*2026/);
  });
});
