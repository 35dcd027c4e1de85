import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openStore } from '../../../../src/store/open.ts';
import { placeOf } from '../../../../src/store/postgres/connection/place.ts';
import { reach } from '../../../../src/store/postgres/connection/reach.ts';
import { createAuthority } from '../../../support/authority.ts';
import { certificateFiles } from '../../../support/certificates.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { aWebhook } from '../../../support/store.ts';

/** Who is let in how: one by a certificate, one without TLS only, all others with TLS and a password. */
const HBA = `
hostssl   all certified all cert
hostnossl all plain     all password
hostssl   all carillon  all password
`;

describe('a PostgreSQL that speaks TLS', () => {
  test('is reached as sslmode and its certificates say, or refused in a line', async (t) => {
    const ours = createAuthority();
    const others = createAuthority('others');
    const { cert, key } = ours.server(['localhost']);
    const server = await startPostgres({
      flags: ['ssl=on', 'ssl_cert_file=s.crt', 'ssl_key_file=s.key', 'ssl_ca_file=ca.crt'].flatMap((each) => [
        '-c',
        each,
      ]),
      files: { 's.crt': cert, 's.key': key, 'ca.crt': ours.pem, 'pg_hba.conf': HBA },
    });
    t.after(server.stop);
    const files = certificateFiles(t);
    const ca = files.write('ca.pem', ours.pem);
    const otherCa = files.write('other.pem', others.pem);
    const own = files.pair(ours.client('certified'), 'client-');
    chmodSync(own.key, 0o600);
    const openKey = files.write('open.pem', ours.client('certified').key);
    chmodSync(openKey, 0o644);

    function urlOf(parameters: string, { host = '127.0.0.1', user = 'carillon:carillon' } = {}): string {
      return `postgres://${user}@${host}:${server.port}/postgres?${parameters}`;
    }
    /** Whether the session is encrypted. */
    async function encrypted(url: string): Promise<boolean> {
      const session = await reach(placeOf(url), { passwords: { file: undefined, env: {} } });
      try {
        const sql = 'SELECT ssl::integer FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
        return (await session.query(sql, undefined, [])).rows.flat()[0] === 1;
      } finally {
        await session.close();
      }
    }

    const byName = { host: 'localhost' };
    const session = await reach(placeOf(urlOf('')), { passwords: { file: undefined, env: {} } });
    await session.exec(`CREATE ROLE certified LOGIN; CREATE ROLE plain LOGIN PASSWORD 'plain'`);
    await session.close();

    const certificate = `sslcert=${own.cert}&sslkey=${own.key}`;
    const safe: [parameters: string, who?: { host?: string; user?: string }][] = [
      [''],
      ['sslmode=allow'],
      ['sslmode=prefer'],
      ['sslmode=require'],
      [`sslmode=require&sslrootcert=${ca}`],
      [`sslmode=verify-ca&sslrootcert=${ca}`],
      [`sslmode=verify-full&sslrootcert=${ca}`, byName],
      [`${certificate}`, { user: 'certified' }],
      [`sslmode=verify-full&sslrootcert=${ca}&${certificate}`, { ...byName, user: 'certified' }],
    ];
    for (const [parameters, who] of safe)
      assert.equal(await encrypted(urlOf(parameters, who)), true, parameters);
    const plain = { user: 'plain:plain' };
    for (const parameters of ['sslmode=disable', 'sslmode=allow', 'sslmode=prefer']) {
      assert.equal(await encrypted(urlOf(parameters, plain)), false, parameters);
    }

    const untrusted =
      /has a certificate that is not trusted \(.*\); give the authority that signed it in sslrootcert/;
    const refused: [parameters: string, says: RegExp, who?: { host?: string; user?: string }][] = [
      [
        'sslmode=disable',
        /lets nobody in with this user from here \(no pg_hba\.conf entry .* no encryption\)/,
      ],
      ['sslmode=require', /lets nobody in with this user from here/, plain],
      [`sslmode=require&sslrootcert=${otherCa}`, untrusted],
      [`sslmode=verify-ca&sslrootcert=${otherCa}`, untrusted],
      [`sslmode=verify-full&sslrootcert=${otherCa}`, untrusted, byName],
      [`sslmode=verify-full&sslrootcert=${ca}`, untrusted],
      ['sslmode=verify-full', untrusted, byName],
      ['sslmode=verify-full&sslrootcert=system', untrusted, byName],
      ['sslmode=verify-full&sslrootcert=/none.pem', /the file of sslrootcert cannot be read: ENOENT/, byName],
      ['sslmode=require', /lets nobody in with this user/, { user: 'certified' }],
      [`sslcert=/none.pem&sslkey=${own.key}`, /the file of sslcert cannot be read: ENOENT/],
      [`sslcert=${own.cert}&sslkey=/none.pem`, /the file of sslkey cannot be read: ENOENT/],
      [
        `sslcert=${own.cert}&sslkey=${openKey}`,
        /the file of sslkey, .*, can be read by other users; chmod 600 it/,
      ],
    ];
    for (const [parameters, says, who] of refused) {
      await assert.rejects(
        encrypted(urlOf(parameters, who)),
        { code: 'FAILED_PRECONDITION', message: says },
        parameters,
      );
    }

    const store = await openStore(urlOf(`sslmode=verify-full&sslrootcert=${ca}`, byName));
    t.after(store.close);
    assert.deepEqual(await store.createWebhooks([aWebhook()]), ['CREATED']);
  });
});
