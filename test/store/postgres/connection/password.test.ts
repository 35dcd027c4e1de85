import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type PasswordSource, passwordFor } from '../../../../src/store/postgres/connection/password.ts';
import { placeOf } from '../../../../src/store/postgres/connection/place.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-passwords-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

function aFile(text: string, mode = 0o600): string {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
}

/** The password for the last of the hosts. */
function password(url: string, { file, env = {} }: Partial<PasswordSource> = {}): Promise<string> {
  const place = placeOf(url, env);
  return passwordFor(place, place.hosts.at(-1)!, { file, env });
}

describe('the password of a database', () => {
  test('is that of the URL, or of its file, or of PGPASSWORD, or of a passfile', async () => {
    const passfile = aFile('*:*:*:*:last');
    const env = { PGPASSWORD: 'third', PGPASSFILE: passfile };
    const file = aFile('second\n');
    assert.equal(await password('postgres://u:first@h/x', { env }), 'first');
    assert.equal(await password('postgres://u@h/x', { file, env }), 'second');
    assert.equal(await password('postgres://u@h/x', { env }), 'third');
    assert.equal(await password('postgres://u@h/x', { env: { ...env, PGPASSWORD: '' } }), 'last');
  });

  test('is looked up in a passfile by host, port, database and user; the first line that fits counts', async () => {
    const lines = [
      '# db.example:*:*:*:none',
      'too:few:fields',
      'db.example:5432:shop:ann:one',
      'db.example:*:shop:bob:with\\:colon\\\\',
      '*:6543:*:*:port',
      'localhost:*:*:*:socket:more',
      'odd\\:host:*:*:*:odd',
      '*:*:*:*:any',
    ];
    const passfile = aFile(lines.join('\r\n'));
    const cases: [url: string, password: string][] = [
      ['postgres://ann@db.example/shop', 'one'],
      ['postgres://ann@other,db.example/shop', 'one'],
      ['postgres://bob@db.example:1/shop', 'with:colon\\'],
      ['postgres://ann@db.example:6543/shop', 'port'],
      ['postgres://ann@/shop?host=/run/postgresql', 'socket'],
      ['postgres://ann@odd%3Ahost/shop', 'odd'],
      ['postgres://cid@db.example/shop', 'any'],
    ];
    for (const [url, expected] of cases) {
      assert.equal(await password(url, { env: { PGPASSFILE: passfile } }), expected, url);
    }
  });

  test('is read again when it was changed', async () => {
    const file = aFile('old\n');
    assert.equal(await password('postgres://u@h/x', { file }), 'old');
    writeFileSync(file, 'new');
    assert.equal(await password('postgres://u@h/x', { file }), 'new');
  });

  test('that cannot be had is missed in a line, without any that was found', async () => {
    const open = aFile('*:*:*:*:geheim', 0o644);
    const others = aFile('h:1:x:u:geheim');
    const cases: [url: string, source: Partial<PasswordSource>, says: RegExp][] = [
      [
        'postgres://u@h/x',
        { file: join(folder, 'none') },
        /the file of the password, .*none, cannot be read: ENOENT/,
      ],
      [
        'postgres://u@h/x',
        { file: aFile('ge\nheim\n') },
        /must have the password in one line and nothing else/,
      ],
      ['postgres://u@h/x', { file: aFile('\n') }, /must have the password in one line and nothing else/],
      [
        'postgres://u:geheim@h/x',
        { file: aFile('geheim') },
        /one in --store-password-file; give one of them/,
      ],
      [
        'postgres://u@h/x',
        { env: { PGPASSFILE: open } },
        /the passfile, .*, cannot be read: others can read it; chmod 600 it/,
      ],
      [
        'postgres://u@h/x',
        { env: { PGPASSFILE: others } },
        /asks for a password, and there is none; give it in the URL/,
      ],
    ];
    for (const [url, source, says] of cases) {
      await assert.rejects(password(url, source), (error: Error) => {
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /heim/);
        return true;
      });
    }
  });
});
