import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAuthority } from '../support/authority.ts';
import { certificateFiles } from '../support/certificates.ts';
import { runCommands } from '../support/commands.ts';
import { startCarillon } from '../support/server.ts';

const SECURITY = 'docs/security.md';
const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;

describe('docs/security.md', () => {
  it('has commands that call a server over TLS with curl, grpcurl, buf and our own client', async (t) => {
    const authority = createAuthority();
    const files = certificateFiles(t);
    const { cert, key } = files.pair(authority.server());
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

  it('has commands that show them a certificate in place of a key', async (t) => {
    const [authority, callers] = [createAuthority(), createAuthority('Callers')];
    const files = certificateFiles(t);
    const { cert, key } = files.pair(authority.server());
    const client = callers.client('of a test', { names: ['URI:spiffe://example.org/shop'] });
    files.write('ca.pem', authority.pem);
    files.write('client.pem', client.cert);
    files.write('client.key', client.key);
    const roles = ['--client-roles', 'uri:spiffe://example.org/shop=read'];
    const clientCa = files.write('clients.pem', callers.pem);
    await using carillon = await startCarillon({
      command: 'serve',
      args: ['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', clientCa, ...roles],
    });
    const told = await runCommands(SECURITY, 'mtls', carillon, { cwd: files.folder });
    assert.equal(told.replaceAll(/\s+/g, ' ').trim(), '{}{} {} no webhooks');
    const lines = await carillon.logged(({ rpc }) => rpc === 'carillon.v1.WebhookService/List', 4);
    for (const line of lines) assert.equal(line.certificate, 'uri:spiffe://example.org/shop');
  });
});
