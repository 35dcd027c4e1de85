import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import { type Random, systemRandom } from '../../src/domain/random.ts';
import { keySource } from '../../src/server/key-source.ts';
import {
  checkNotAlone,
  decodeKey,
  forgetKey,
  loadSecretsKey,
  type SecretsKeySource,
} from '../../src/server/secrets-key.ts';

const BYTES = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const BASE64 = Buffer.from(BYTES).toString('base64');
const random = systemRandom();

function openFolder(t: { after(step: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-key-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function load(source: Partial<SecretsKeySource>) {
  return loadSecretsKey({
    db: ':memory:',
    secretsKey: undefined,
    secretsKeyFile: undefined,
    random,
    ...source,
  });
}

function refused(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof DomainError && error.code === 'FAILED_PRECONDITION', String(error));
    assert.match(error.message, message);
    return true;
  };
}

describe('a key as text', () => {
  for (const [what, text] of [
    ['base64', BASE64],
    ['base64 without padding', BASE64.replace('=', '')],
    ['base64 for URLs', Buffer.from(BYTES).toString('base64url')],
    ['hex', Buffer.from(BYTES).toString('hex')],
    ['hex in capitals', Buffer.from(BYTES).toString('hex').toUpperCase()],
    ['a line', `${BASE64}\n`],
  ] as const) {
    test(`may be ${what}`, () => assert.deepEqual(decodeKey(text), BYTES));
  }

  for (const [what, text] of [
    ['empty', ''],
    ['short', BASE64.slice(4)],
    ['long', `${BASE64}AA`],
    ['31 bytes in hex', 'ab'.repeat(31)],
    ['base64 with other characters', BASE64.replace('/', '!')],
    ['two lines', `${BASE64}\n${BASE64}`],
  ] as const) {
    test(`may not be ${what}`, () => assert.equal(decodeKey(text), undefined));
  }
});

describe('where the key comes from', () => {
  test('the setting, when there is one, and no file is made', async (t) => {
    const db = join(openFolder(t), 'x.db');
    assert.deepEqual(await load({ db, secretsKey: BASE64 }), { keys: [BYTES] });
    assert.throws(() => statSync(`${db}.key`), { code: 'ENOENT' });
  });

  test('the file that is named, for a database in memory too', async (t) => {
    const file = join(openFolder(t), 'key');
    writeFileSync(file, `${BASE64}\n`, { mode: 0o600 });
    assert.deepEqual(await load({ secretsKeyFile: file }), { keys: [BYTES], path: file });
  });

  test('chance, for a database in memory', async () => {
    const [first, second] = [await load({}), await load({})];
    assert.equal(first.keys[0]!.length, 32);
    assert.notDeepEqual(first.keys, second.keys);
  });

  test('a file beside a new database, made for its owner only, the same from then on', async (t) => {
    const folder = openFolder(t);
    const db = join(folder, 'x.db');
    const first = await load({ db });
    assert.equal(first.keys[0]!.length, 32);
    assert.equal(first.warning, undefined);
    assert.equal(statSync(`${db}.key`).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['x.db.key'], 'nothing else is left behind');
    assert.deepEqual([decodeKey(readFileSync(`${db}.key`, 'utf8'))], first.keys);
    assert.deepEqual(first.beside, { path: `${db}.key`, isNew: true });
    writeFileSync(db, 'some data');
    assert.deepEqual(await load({ db }), { ...first, beside: { path: `${db}.key`, isNew: false } });
  });

  test('one file, when several processes start for the first time at once', async (t) => {
    const folder = openFolder(t);
    const keys = await Promise.all(Array.from({ length: 8 }, () => load({ db: join(folder, 'x.db') })));
    for (const each of keys) assert.deepEqual(each.keys, keys[0]!.keys);
    assert.deepEqual(readdirSync(folder), ['x.db.key']);
  });

  test('an empty file of a database does not count as one', async (t) => {
    const db = join(openFolder(t), 'x.db');
    writeFileSync(db, '');
    assert.equal((await load({ db })).keys[0]!.length, 32);
  });
});

describe('no usable key', () => {
  test('when the database is there and its key file is not, none is made', async (t) => {
    const db = join(openFolder(t), 'x.db');
    writeFileSync(db, 'some data');
    await assert.rejects(
      load({ db }),
      refused(/exists, but the key file .*x\.db\.key .* does not; put the key file back/),
    );
    assert.throws(() => statSync(`${db}.key`), { code: 'ENOENT' });
  });

  test('when the file that is named does not exist', async (t) => {
    const file = join(openFolder(t), 'key');
    await assert.rejects(
      load({ secretsKeyFile: file }),
      refused(/key does not exist; put 32 bytes in base64 or hex/),
    );
  });

  test('when the file holds something else, which is not repeated', async (t) => {
    const file = join(openFolder(t), 'key');
    writeFileSync(file, 'hunter2');
    await assert.rejects(
      load({ secretsKeyFile: file }),
      (error: Error) => !error.message.includes('hunter2'),
    );
    await assert.rejects(load({ secretsKeyFile: file }), refused(/holds no key; it must be 32 bytes/));
  });

  test('when the file cannot be read', async (t) => {
    const folder = openFolder(t);
    mkdirSync(join(folder, 'key'));
    await assert.rejects(load({ secretsKeyFile: join(folder, 'key') }), refused(/cannot be read: EISDIR/));
  });

  test('when the folder of the database does not exist', async (t) => {
    const db = join(openFolder(t), 'none', 'x.db');
    await assert.rejects(load({ db }), refused(/^there is no folder \S+none; make it, or .* with --db$/));
  });

  test('when the setting is no key', async () => {
    await assert.rejects(
      load({ secretsKey: 'hunter2' }),
      refused(/^the secrets key is not valid: it holds no key; give 32 bytes/),
    );
  });
});

describe('a key whose database is not there', () => {
  test('is refused, unless it was made just now or lies elsewhere', async (t) => {
    const db = join(openFolder(t), 'x.db');
    await checkNotAlone(db, await load({ db }));
    const kept = await load({ db });
    const message = /x\.db is missing or empty, but its key \S+x\.db\.key is there; .* with --restored$/;
    await assert.rejects(checkNotAlone(db, kept), refused(message));
    writeFileSync(db, '');
    await assert.rejects(checkNotAlone(db, kept), refused(message));
    await checkNotAlone(db, await load({ db, secretsKey: BASE64 }));
    writeFileSync(db, 'some data');
    await checkNotAlone(db, kept);
  });

  test('is taken back if it was made just now, and otherwise kept', async (t) => {
    const db = join(openFolder(t), 'x.db');
    await forgetKey(db, await load({ db }));
    assert.throws(() => statSync(`${db}.key`), { code: 'ENOENT' });
    await load({ db });
    await forgetKey(db, await load({ db }));
    assert.ok(statSync(`${db}.key`).isFile());
  });
});

describe('a key file that others can read', () => {
  for (const mode of [0o640, 0o604, 0o660]) {
    test(`is used with a warning: ${mode.toString(8)}`, async (t) => {
      const file = join(openFolder(t), 'key');
      writeFileSync(file, BASE64);
      chmodSync(file, mode);
      const { keys, warning } = await load({ secretsKeyFile: file });
      assert.deepEqual(keys, [BYTES]);
      assert.match(warning ?? '', /can be read by other users; chmod 600 it$/);
    });
  }
});

test('the key is drawn from the given randomness', async () => {
  const fixed: Random = { unit: () => 0, bytes: (length) => new Uint8Array(length).fill(7) };
  assert.deepEqual((await load({ random: fixed })).keys, [new Uint8Array(32).fill(7)]);
});

describe('a disk that is full', () => {
  test('leaves no half of a key file behind', async (t) => {
    const folder = openFolder(t);
    const probe = await open(join(folder, 'probe'), 'w');
    t.mock.method(Object.getPrototypeOf(probe), 'sync', async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    });
    await probe.close();
    rmSync(join(folder, 'probe'));
    const path = join(folder, 'key');
    await assert.rejects(load({ db: join(folder, 'db') }), refused(/cannot be made: ENOSPC/));
    assert.deepEqual(readdirSync(folder), []);

    writeFileSync(path, `${BASE64}\n`, { mode: 0o600 });
    const source = keySource({ keys: [BYTES], path }, false, random);
    await assert.rejects(source.replace([BYTES]), refused(/cannot be written: ENOSPC/));
    assert.deepEqual(readdirSync(folder), ['key']);
    assert.equal(readFileSync(path, 'utf8'), `${BASE64}\n`);
  });

  test('does not ask for a second new key where only the folder could not be synced', async (t) => {
    const folder = openFolder(t);
    const path = join(folder, 'key');
    writeFileSync(path, `${BASE64}\n`, { mode: 0o600 });
    const probe = await open(path, 'r');
    const handles = Object.getPrototypeOf(probe);
    await probe.close();
    const sync = t.mock.method(handles, 'sync');
    sync.mock.mockImplementationOnce(async () => {
      throw new Error('EIO: i/o error');
    }, 1);
    const source = keySource({ keys: [BYTES], path }, false, random);
    await assert.rejects(
      source.replace([BYTES]),
      refused(/has the new key, .* EIO: i\/o error; leave the file/),
    );
    const again = await source.replace([BYTES]);
    assert.deepEqual([again.length, again[1]], [2, BYTES]);
    assert.deepEqual(readdirSync(folder), ['key']);
  });
});
