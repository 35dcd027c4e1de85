import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import type { JsonObject } from '@bufbuild/protobuf';
import { sealKeyId } from '../../src/domain/seal.ts';
import { parseSecret } from '../../src/domain/webhook/secret.ts';
import { signingKey, verify } from '../../src/domain/webhook/signature.ts';
import { loadConfig } from '../../src/server/config/load.ts';
import { decodeKey } from '../../src/server/secrets-key.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { type WatchedLog, watchedLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver } from '../support/receiver.ts';
import { aDatabasePath } from '../support/store.ts';

/** The key by which secrets lie sealed is replaced in a server that serves, from its key file to its last column. */

const OLD = Buffer.alloc(32, 1).toString('base64');
const OLD_ID = idOf(OLD);
const NEW = Buffer.alloc(32, 2).toString('base64');

/**
 * Every column in which something is sealed, with the file that seals it. Whoever seals something else adds it here, and
 * to `walkersOf`, by which it is sealed anew.
 */
const SEALED: Readonly<Record<string, string>> = {
  'namespace_keys.sealed': 'src/domain/webhook/namespace-key.ts',
  'requests.answer': 'src/control/once.ts',
  'webhooks.compatibility_secret': 'src/domain/webhook/compatibility.ts',
  'webhooks.credentials': 'src/domain/webhook/credentials.ts',
  'webhooks.secrets': 'src/domain/webhook/secret.ts',
};

describe('the key that seals', () => {
  it('is replaced while the server serves: everything opens by the new one alone, and the old one opens nothing', async (t) => {
    await using receiver = await openReceiver();
    const db = withKeys(t, OLD);
    const first = await serving(t, db);
    const { secret, registered } = await furnish(first.url, receiver.url);
    assert.deepEqual(columnsWith(db, OLD_ID), ['seal_keys.id', ...Object.keys(SEALED)].toSorted());

    const { rotation: begun } = await rotate(first.url);
    assert.equal(begun.keyId, keysIn(db)[0]);
    assert.notEqual(begun.keyId, OLD_ID);
    const done = await finished(first.url);
    assert.deepEqual(done.olderKeyIds, [OLD_ID]);
    assert.deepEqual([Number(done.unreadableCount ?? 0), done.place], [0, `${db}.key`]);
    assert.deepEqual(columnsWith(db, OLD_ID), []);
    const named = ['audit_entries.changes', 'seal_keys.id'];
    assert.deepEqual(columnsWith(db, begun.keyId), [...named, ...Object.keys(SEALED)].toSorted());
    const said = await first.line(({ message }) => message.startsWith('everything is sealed with the key'));
    assert.match(
      said.message,
      new RegExp(`the key ${OLD_ID} can be taken out of \\S+\\.key from 20\\S+Z on`),
    );
    assert.deepEqual(
      await register(first.url, receiver.url),
      registered,
      'a call of before is known by its name',
    );
    await first.stop();

    const [newest] = readFileSync(`${db}.key`, 'utf8').split('\n');
    writeFileSync(`${db}.key`, `${newest}\n`);
    const second = await serving(t, db);
    await post(second.url, '/v1/webhooks/shop:trigger', {});
    const [{ headers, body }] = (await receiver.received(1)) as [(typeof receiver.requests)[number]];
    assert.equal(headers.authorization, `Basic ${Buffer.from('ann:hunter2').toString('base64')}`);
    assert.equal(headers['x-key'], 'hush');
    assert.match(String(headers['x-signature']), /^[0-9a-f]{64}$/);
    assert.match(String(headers['webhook-signature']), /v1a,/);
    const now = Date.now();
    assert.equal(verify({ secrets: [signingKey(parseSecret(secret))], headers, body, now }), 'valid');
    await second.stop();
  });

  it('is asked of everything that seals anything', () => {
    const sealing = sources('src').filter((path) =>
      /import \{[^}]*\bseal\b[^}]*\} from '[^']*\/seal\.ts'/.test(readFileSync(path, 'utf8')),
    );
    const known = [...Object.values(SEALED), 'src/control/resealing.ts'];
    assert.deepEqual(sealing.toSorted(), known.toSorted());
  });

  it('is replaced further by the next start where the server came to an end in between', async (t) => {
    await using receiver = await openReceiver();
    const db = withKeys(t, OLD);
    const first = await serving(t, db);
    await furnish(first.url, receiver.url);
    await first.stop();
    // As a server leaves it that died after it had put the new key into the file.
    writeFileSync(`${db}.key`, `${NEW}\n${OLD}\n`);
    const second = await serving(t, db);
    assert.equal((await finished(second.url)).keyId, idOf(NEW));
    assert.deepEqual(columnsWith(db, OLD_ID), []);
    await second.stop();
  });

  it('is the first of those that an operator has put into the file, also with other words in it', async (t) => {
    const db = withKeys(t, OLD);
    const server = await serving(t, db);
    const text = `# since the 28th\n${NEW}\n# before\n${OLD}\n`;
    writeFileSync(`${db}.key`, text);
    assert.equal((await rotate(server.url)).rotation.keyId, idOf(NEW));
    await finished(server.url);
    assert.equal(readFileSync(`${db}.key`, 'utf8'), text);
    assert.equal((await rotate(server.url)).rotation.olderKeyIds.length, 2);
    assert.ok(readFileSync(`${db}.key`, 'utf8').endsWith(`\n${text}`));
    assert.equal(statSync(`${db}.key`).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dirname(db)).filter((name) => name.includes('.key')).length, 1);
    await server.stop();
  });

  it('comes from a setting with the new one first, and everything is sealed anew from the next start on', async (t) => {
    await using receiver = await openReceiver();
    const db = withKeys(t, OLD);
    const first = await serving(t, db, '--secrets-key', OLD);
    await furnish(first.url, receiver.url);
    const refused = await rotate(first.url);
    assert.match(
      refused.error.message,
      /put a new one from `openssl rand -base64 32` before it, with a comma/,
    );
    await first.stop();
    const second = await serving(t, db, '--secrets-key', `${NEW},${OLD}`);
    const done = await finished(second.url);
    assert.deepEqual([done.keyId, done.olderKeyIds, done.place], [idOf(NEW), [OLD_ID], '--secrets-key']);
    assert.deepEqual(columnsWith(db, OLD_ID), []);
    await second.stop();
  });

  const wrong: readonly [what: string, text: string, says: RegExp][] = [
    ['something that is no key', `hunter2\n${OLD}\n`, /holds in line 1 something that is no key/],
    ['a key of the wrong length', `${NEW.slice(4)}\n${OLD}\n`, /holds in line 1 something that is no key/],
    ['the same key twice', `${NEW}\n${OLD}\n${NEW}\n`, /holds in line 3 the key [0-9a-f]{16} a second time/],
    ['nothing', '\n', /holds no key/],
    [
      'only a new key',
      `${NEW}\n`,
      new RegExp(`does not have the key ${OLD_ID}, .*on a line below the new one`),
    ],
    ['too many keys', `${OLD}\n${manyKeys(9)}`, /has 10 keys already; take out those below/],
  ];
  for (const [what, text, says] of wrong) {
    it(`stays as it is where its file has ${what}`, async (t) => {
      const db = withKeys(t, OLD);
      const server = await serving(t, db);
      writeFileSync(`${db}.key`, text);
      const { error } = await rotate(server.url);
      assert.deepEqual(
        [error.status, error.details[0]?.reason],
        ['FAILED_PRECONDITION', 'SEAL_KEY_NOT_REPLACED'],
      );
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /hunter2/);
      assert.equal(readFileSync(`${db}.key`, 'utf8'), text);
      assert.equal((await get(server.url)).keyId, OLD_ID);
      await server.stop();
    });
  }

  it('stays as it is where its file cannot be written, and says what to do', async (t) => {
    const db = withKeys(t, OLD);
    // So long that no other name with it at its beginning is one.
    const elsewhere = join(dirname(db), 'k'.repeat(250));
    writeFileSync(elsewhere, `${OLD}\n`, { mode: 0o600 });
    const server = await serving(t, db, '--secrets-key-file', elsewhere);
    const { error } = await rotate(server.url);
    assert.match(
      error.message,
      /cannot be written: ENAMETOOLONG.* put a new key .* into it yourself, on a line above/,
    );
    assert.equal((await get(server.url)).keyId, OLD_ID);
    await server.stop();
  });
});

describe('a server that is started with other keys', () => {
  it('names the one that is missing, and what it sealed', async (t) => {
    await using receiver = await openReceiver();
    const db = withKeys(t, OLD);
    const first = await serving(t, db);
    await furnish(first.url, receiver.url);
    await first.stop();
    writeFileSync(`${db}.key`, `${NEW}\n`);
    await assert.rejects(serving(t, db), {
      reason: 'SECRETS_KEY_UNUSABLE',
      message: new RegExp(
        `^the key ${OLD_ID} is missing: a secret of the webhook shop in the namespace default was sealed with it, and perhaps more, ` +
          `and \\S+\\.key has ${idOf(NEW)}; start Carillon with the key that it was sealed with, or put it into \\S+\\.key on a line`,
      ),
    });
    writeFileSync(`${db}.key`, `${OLD}\n`);
    await (await serving(t, db)).stop();
  });

  it('takes any where nothing is sealed', async (t) => {
    const db = withKeys(t, OLD);
    await (await serving(t, db)).stop();
    writeFileSync(`${db}.key`, `${NEW}\n`);
    const server = await serving(t, db);
    assert.equal((await finished(server.url)).keyId, idOf(NEW));
    await server.stop();
  });

  it('starts with the newest alone where another key could not open a webhook either', async (t) => {
    await using receiver = await openReceiver();
    const db = withKeys(t, OLD);
    const first = await serving(t, db);
    await furnish(first.url, receiver.url);
    damageSecrets(db);
    await rotate(first.url);
    assert.equal(Number((await finished(first.url)).unreadableCount), 1);
    await first.stop();
    const [newest] = readFileSync(`${db}.key`, 'utf8').split('\n');
    writeFileSync(`${db}.key`, `${newest}\n`);
    const second = await serving(t, db);
    assert.equal((await get(second.url)).keyId, idOf(newest!));
    await second.stop();
    writeFileSync(`${db}.key`, `${NEW}\n`);
    await assert.rejects(serving(t, db), { message: new RegExp(`^the key ${idOf(newest!)} is missing`) });
  });

  it('says which it needs no more', async (t) => {
    const db = withKeys(t, OLD);
    const first = await serving(t, db);
    await rotate(first.url);
    await finished(first.url);
    await first.stop();
    const second = await serving(t, db);
    const said = second.lines.map(({ message }) => message).find((message) => message.includes(OLD_ID));
    assert.match(
      said ?? '',
      new RegExp(`^everything is sealed with the key \\S+; the key ${OLD_ID} can be taken out`),
    );
    await second.stop();
  });

  it('says once that it made one, where it lies and why it matters', async (t) => {
    const db = aDatabasePath(t);
    const first = await serving(t, db);
    const about = ({ message }: { readonly message: string }) => message.includes(`${db}.key`);
    assert.deepEqual(
      first.lines.filter(about).map(({ message }) => message),
      [
        `${db}.key is new: it has the key that seals secrets in ${db}, which nobody can open without it; keep a copy of it, elsewhere than the backups of the database`,
      ],
    );
    await first.stop();
    const second = await serving(t, db);
    assert.deepEqual(second.lines.filter(about), []);
    await second.stop();
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Rotation {
  readonly state: string;
  readonly keyId: string;
  readonly olderKeyIds: readonly string[];
  readonly place: string;
  readonly unreadableCount?: string;
}

interface Answer {
  readonly rotation: Rotation;
  readonly error: {
    readonly message: string;
    readonly status: string;
    readonly details: readonly { readonly reason?: string }[];
  };
}

type Serving = Pick<RunningServer, 'stop'> & Pick<WatchedLog, 'lines' | 'line'> & { readonly url: string };

function idOf(text: string): string {
  return sealKeyId(decodeKey(text)!);
}

function manyKeys(count: number): string {
  return Array.from({ length: count }, (_, i) => `${Buffer.alloc(32, 10 + i).toString('base64')}\n`).join('');
}

/** The path of a database that is not there yet, with its key file. */
function withKeys(t: TestContext, ...keys: readonly string[]): string {
  const db = aDatabasePath(t);
  writeFileSync(`${db}.key`, keys.map((key) => `${key}\n`).join(''), { mode: 0o600 });
  return db;
}

/** The ids of the keys in the key file of a database. */
function keysIn(db: string): string[] {
  return readFileSync(`${db}.key`, 'utf8').trim().split('\n').map(idOf);
}

async function serving(t: TestContext, db: string, ...argv: readonly string[]): Promise<Serving> {
  const watched = watchedLog();
  const ports = ['--listen', '127.0.0.1:0', '--grpc-listen', 'off', '--allow-destinations', '127.0.0.0/8'];
  const config = await loadConfig('serve', {
    argv: ['--db', db, '--restored', ...ports, ...argv],
    env: {},
    cwd: '/',
    terminal: false,
    readFile: async () => undefined,
  });
  const { address, stop } = await startServer(config, watched);
  // Also where something fails: a server that goes on keeps the process from ending.
  t.after(stop);
  return { ...watched, url: `http://127.0.0.1:${address.port}`, stop };
}

async function post(url: string, path: string, body: JsonObject): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

/** Registers a webhook of which everything is sealed that can be, with an old secret too. Returns the newest. */
async function furnish(url: string, destination: string): Promise<{ secret: string; registered: unknown }> {
  const registered = await register(url, destination);
  const { secret } = (await post(url, '/v1/webhooks/shop:rotateSecret', {})) as { readonly secret: string };
  assert.match(secret, /^whsec_/);
  return { secret, registered };
}

async function register(url: string, destination: string): Promise<unknown> {
  const webhook = {
    id: 'shop',
    name: 'shop',
    destination: `${destination}/hook`,
    eventTypes: ['order.*'],
    secretHeaders: { 'x-key': { value: 'hush' } },
    auth: { basic: { username: 'ann', password: { value: 'hunter2' } } },
    compatibilitySignature: { header: 'x-signature', secret: 'of another sender' },
    asymmetricSignature: true,
  };
  return post(url, '/carillon.v1.WebhookService/Register', { webhook, requestId: 'call-1' });
}

async function get(url: string): Promise<Rotation> {
  return ((await (await fetch(`${url}/v1/sealKey/rotation`)).json()) as Answer).rotation;
}

async function rotate(url: string): Promise<Answer> {
  const { keyId } = await get(url);
  return (await post(url, '/v1/sealKey:rotate', { keyId })) as Answer;
}

/** How it is once it is done. */
async function finished(url: string): Promise<Rotation> {
  return until(async () => {
    const rotation = await get(url);
    return rotation.state === 'STATE_DONE' ? rotation : undefined;
  });
}

/** As a disk can, in every webhook of a database. */
function damageSecrets(path: string): void {
  const db = new DatabaseSync(path);
  const { secrets } = db.prepare('SELECT secrets FROM webhooks').get() as { readonly secrets: string };
  const damaged = secrets.replace(/[\w+/-]{9}={0,2}"/g, 'AAAAAAAAA"');
  assert.notEqual(damaged, secrets);
  db.prepare('UPDATE webhooks SET secrets = ?').run(damaged);
  db.close();
}

/** The columns of a database in which the id of a key stands, in the clear or in what was sealed with it. */
function columnsWith(path: string, keyId: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const columns = new Set<string>();
  for (const { name } of db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()) {
    for (const row of db.prepare(`SELECT * FROM "${name}"`).all()) {
      for (const [column, value] of Object.entries(row))
        if (has(value, keyId)) columns.add(`${name}.${column}`);
    }
  }
  db.close();
  return [...columns].toSorted();
}

function has(value: unknown, keyId: string): boolean {
  if (value instanceof Uint8Array) return Buffer.from(value).includes(Buffer.from(keyId, 'hex'));
  if (typeof value !== 'string') return false;
  const written = value.match(/[\w+/-]{40,}={0,2}/g) ?? [];
  return value.includes(keyId) || written.some((text) => has(Buffer.from(text, 'base64'), keyId));
}

function sources(folder: string): string[] {
  const root = join(import.meta.dirname, '../..');
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => relative(process.cwd(), join(root, folder, name)));
}
