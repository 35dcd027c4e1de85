import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { createAuthority } from '../../support/authority.ts';
import { certificateFiles } from '../../support/certificates.ts';
import { runCli } from '../../support/cli.ts';
import { startWhole } from '../../support/whole-server.ts';

const authority = createAuthority();

/** A server with TLS, and the command line with files. */
async function start(t: TestContext, pair = authority.server()) {
  const files = certificateFiles(t);
  const ca = files.write('ca.pem', authority.pem);
  const { cert, key } = files.pair(pair);
  const { port } = await startWhole(t, '--tls-cert', cert, '--tls-key', key);
  const list = (
    argv: readonly string[] = [],
    env: Record<string, string> = {},
    url = `https://127.0.0.1:${port}`,
  ) =>
    runCli(url, ['webhooks', 'list', ...argv], {
      env,
      cwd: files.folder,
      readFile: (path) => readFile(path, 'utf8').catch(() => undefined),
    });
  return { files, ca, cert, key, port, list };
}

describe('A command that calls a server over TLS', () => {
  it('trusts the authority of a flag or of the environment', async (t) => {
    const { ca, list } = await start(t);
    for (const [argv, env] of [
      [['--ca', 'ca.pem'], {}],
      [[], { CARILLON_CA: ca }],
      [['--ca', ca], { CARILLON_CA: 'missing.pem' }],
    ] as const) {
      const { code, err } = await list(argv, env);
      assert.deepEqual([code, err], [0, '']);
    }
  });

  it('says what to do about a certificate that it does not trust', async (t) => {
    const { list, files, port } = await start(t);
    const other = files.write('other.pem', createAuthority().pem);
    const { code, err } = await list();
    assert.equal(code, 1);
    const where = `carillon: the certificate of https://127.0.0.1:${port}`;
    assert.match(err, new RegExp(`^${where} was not signed by anybody .* trusts; .* with --ca\n$`));
    assert.match((await list(['--ca', other])).err, new RegExp(`^${where} was not signed by .* --ca`));
    const elsewhere = await start(t, authority.server(['DNS:api.example.com']));
    assert.match(
      (await elsewhere.list(['--ca', 'ca.pem'])).err,
      /is for other names; give one of those with --address\n$/,
    );

    const old = await start(t, authority.server(undefined, { notAfter: new Date(Date.now() - 1000) }));
    assert.match(
      (await old.list(['--ca', 'ca.pem'])).err,
      /has expired; ask who runs the server for a new one\n$/,
    );
  });

  it('says that TLS is needed when it is called without', async (t) => {
    const { port, list } = await start(t);
    const { code, err } = await list([], {}, `http://127.0.0.1:${port}`);
    assert.equal(code, 1);
    assert.match(
      err,
      /^carillon: this port takes TLS only: call it with https:\/\/.* \(FAILED_PRECONDITION\)\n$/,
    );
  });

  it('refuses files that are missing, or are no certificates', async (t) => {
    const { files, key, cert, list } = await start(t);
    const text = files.write('text.pem', 'what is this');
    const other = files.write('other-key.pem', authority.server().key);
    for (const [argv, words] of [
      [['--ca', 'none.pem'], /^carillon: --ca: there is no file .*none\.pem\n$/],
      [['--ca', text], /^carillon: the file of --ca holds no certificate in PEM/],
      [['--client-cert', cert], /^carillon: a client certificate goes with --client-key; give that too\n$/],
      [['--client-key', key], /^carillon: a client key goes with --client-cert; give that too\n$/],
      [['--client-cert', cert, '--client-key', other], /cannot be used: .*; give files in PEM, and the key/],
    ] as const) {
      const { code, err } = await list(argv);
      assert.equal(code, 2);
      assert.match(err, words);
    }
  });
});
