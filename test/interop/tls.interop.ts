import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { certificateFiles, createAuthority } from '../support/certificates.ts';
import { runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

const SECURITY = 'docs/security.md';
const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;

describe('docs/security.md', () => {
  it('has commands that call a server over TLS with curl, grpcurl, buf and our own client', async (t) => {
    const authority = await createAuthority();
    const files = certificateFiles(t);
    const { cert, key } = files.pair(await authority.server());
    files.write('ca.pem', authority.pem);
    await using carillon = await startCarillon({
      command: 'serve',
      args: ['--tls-cert', cert, '--tls-key', key],
      env: { CARILLON_BOOTSTRAP_KEY: KEY },
    });
    const env = { CARILLON_API_KEY: KEY };
    const told = await runCommands(SECURITY, 'tls', carillon, { cwd: files.folder, env });
    // curl, grpcurl and buf print the answer in JSON, which is empty where there are no webhooks.
    assert.equal(told.replaceAll(/\s+/g, ' ').trim(), '{}{} {} no webhooks');
  });
});
