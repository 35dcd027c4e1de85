import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { verify } from '../../src/library/verify.ts';
import type { Json } from '../support/call.ts';
import { until } from '../support/pipeline.ts';
import { aSchemaUrl } from '../support/postgres.ts';
import { openReceiver, type Receiver, status } from '../support/receiver.ts';
import { type CarillonProcess, runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const ALLOW = ['--allow-destinations', '127.0.0.0/8'];
const SECRET_HEADER = 'canary-in-an-export';

/** A database, by the environment that names it. */
interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

async function ran({ cwd, env }: Place, ...argv: readonly string[]) {
  await using program = runCarillon(argv, { cwd, env });
  const { code } = await program.exited;
  return { code, out: program.output.stdout, err: program.output.stderr };
}

async function done(place: Place, ...argv: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(place, ...argv);
  assert.deepEqual([code, err], [0, '']);
  return out;
}

async function refusal(place: Place, ...argv: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(place, ...argv);
  assert.equal(code, 1, out);
  assert.match(err, /^carillon: .*\n$/);
  return err;
}

function serve({ cwd, env }: Place): Promise<CarillonProcess> {
  return startCarillon({ command: 'serve', cwd, env, args: ALLOW });
}

/** Calls with a key. */
function callWith({ url }: CarillonProcess, key: string) {
  return async (method: string, request: object): Promise<Json> => {
    const response = await fetch(`${url}/carillon.v1.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(request),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Json;
  };
}

interface Filled {
  readonly key: string;
  readonly secret: string;
}

/** A key, a namespace, a webhook with secrets, and deliveries: one done, two that wait. */
async function fill(place: Place, receiver: Receiver): Promise<Filled> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      MAIN,
      'keys',
      'create',
      '--role',
      'admin',
      '--all-namespaces',
      '--db',
      place.env.CARILLON_STORE ?? 'carillon.db',
      '--json',
    ],
    { cwd: place.cwd, env: { ...process.env, ...place.env } },
  );
  const { key } = JSON.parse(stdout) as { key: string };
  await using server = await serve(place);
  const call = callWith(server, key);
  const created = { name: 'shop', quotas: { webhooks: 9 } };
  await call('AdminService/CreateNamespace', created);
  const { secret } = await call('WebhookService/Register', {
    webhook: {
      namespace: 'shop',
      id: 'orders',
      name: 'orders',
      destination: `${receiver.url}/orders`,
      eventTypes: ['order.*'],
      secretHeaders: { 'x-key': { value: SECRET_HEADER } },
      payload: { eventFormat: 'EVENT_FORMAT_ENVELOPE' },
    },
  });
  receiver.answer(status(200));
  await publish(server, key, 'first');
  await receiver.received(1);
  receiver.answer(status(503));
  await publish(server, key, 'second');
  await publish(server, key, 'third');
  await receiver.received(3);
  await until(async () => (await attempts(server, key)).join() === '1,1,1' || undefined);
  await server.stop('SIGTERM');
  return { key, secret: String(secret) };
}

function publish(server: CarillonProcess, key: string, id: string): Promise<Json> {
  return callWith(server, key)('EventService/Publish', {
    event: { namespace: 'shop', id, type: 'order.paid', json: { id } },
  });
}

async function deliveriesOf(server: CarillonProcess, key: string): Promise<Json[]> {
  const { deliveries = [] } = await callWith(server, key)('DeliveryService/ListDeliveries', {
    namespace: 'shop',
  });
  return deliveries as Json[];
}

async function attempts(server: CarillonProcess, key: string): Promise<unknown[]> {
  return (await deliveriesOf(server, key)).map(({ attemptCount }) => attemptCount);
}

function sqlite(cwd: string, key?: string): Place {
  return { cwd, env: key === undefined ? {} : { CARILLON_SECRETS_KEY: key } };
}

async function postgres(cwd: string, key: string): Promise<Place> {
  return { cwd, env: { CARILLON_STORE: await aSchemaUrl(), CARILLON_SECRETS_KEY: key } };
}

/** What a server on a moved database has: the same, and it sends what waited, once it is told to. */
async function checkMoved(
  place: Place,
  { key, secret }: Filled,
  receiver: Receiver,
  kept: number,
): Promise<void> {
  const sent = receiver.requests.length;
  receiver.answer(status(200));
  await using server = await serve(place);
  assert.equal((await deliveriesOf(server, key)).length, kept);
  // Its id is taken, whether or not it was moved.
  await publish(server, key, 'first');
  assert.equal((await deliveriesOf(server, key)).length, kept);
  await publish(server, key, 'fourth');
  await callWith(server, key)('DeliveryService/RetryDeliveries', {
    namespace: 'shop',
    filter: 'state = PENDING',
  });
  const again = await callWith(server, key)('WebhookService/Get', { namespace: 'shop', id: 'orders' });
  assert.ok(!JSON.stringify(again).includes(SECRET_HEADER));
  assert.equal(receiver.requests.length, sent, 'nothing was sent yet');
  await done(
    { ...place, env: { ...place.env, CARILLON_API_KEY: key } },
    'resume',
    '--all',
    '--address',
    server.url,
  );
  await until(() => (receiver.requests.length === sent + 3 ? true : undefined));
  for (const { body, headers } of receiver.requests.slice(sent)) {
    verify({ body, headers, secret });
    assert.equal(headers['x-key'], SECRET_HEADER);
  }
  await until(async () => {
    const all = await deliveriesOf(server, key);
    return all.length === kept + 1 && all.every(({ state }) => state === 'STATE_SUCCEEDED')
      ? true
      : undefined;
  });
  const { entries } = {
    entries: (
      await callWith(server, key)('AdminService/ListAuditEntries', {
        allNamespaces: true,
        namespace: '',
      })
    ).auditEntries,
  };
  assert.ok(JSON.stringify(entries).includes('CreateNamespace'), 'who changed what before');
  await server.stop('SIGTERM');
}

const KEY = () => randomBytes(32).toString('base64');

describe('moving everything', () => {
  it('from SQLite to PostgreSQL, where what waits goes out, signed as before, and to SQLite again', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    const from = sqlite(folder.path);
    const filled = await fill(from, receiver);
    const exported = await done(from, 'export', 'one.export');
    assert.match(
      exported,
      /^one\.export has what was there at 20\S+Z: 2 namespaces, 1 webhook, 2 events, 2 deliveries, /,
    );
    assert.doesNotMatch(
      gunzipSync(readFileSync(join(folder.path, 'one.export'))).toString('latin1'),
      /canary/,
    );

    const to = await postgres(folder.path, KEY());
    const key = ['--from-key-file', 'carillon.db.key'];
    assert.match(
      await refusal(to, 'import', 'one.export'),
      /are sealed with the key [0-9a-f]{16}, and given are .*--from-key-file/,
    );
    const imported = await done(to, 'import', 'one.export', ...key);
    assert.match(
      imported,
      /has all of one\.export: 2 namespaces, 1 webhook, .*; counts and digests are those of the file\n/,
    );
    assert.match(await refusal(to, 'import', 'one.export', ...key), /postgres:\/\/\S+ is not empty/);
    // Without history, what was done is left behind.
    await checkMoved(to, filled, receiver, 2);

    await done(to, 'export', 'two.export', '--history');
    await using other = await temporaryFolder();
    copyFileSync(join(folder.path, 'two.export'), join(other.path, 'two.export'));
    const back = sqlite(other.path, to.env.CARILLON_SECRETS_KEY!);
    await done(back, 'import', 'two.export');
    await using server = await serve(back);
    const all = await deliveriesOf(server, filled.key);
    assert.deepEqual(
      all.map(({ state }) => state),
      ['STATE_SUCCEEDED', 'STATE_SUCCEEDED', 'STATE_SUCCEEDED'],
    );
    const { delivery: detail } = await callWith(server, filled.key)('DeliveryService/GetDelivery', {
      namespace: 'shop',
      id: String(all.at(-1)!.id),
    });
    assert.equal((detail as { attempts: unknown[] }).attempts.length, 2);
  });

  it('from SQLite to SQLite, with its history, under another key', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    const from = sqlite(folder.path);
    const filled = await fill(from, receiver);
    await done(from, 'export', 'all.export', '--history');
    await using other = await temporaryFolder();
    const path = join(folder.path, 'all.export');
    await done(sqlite(other.path), 'import', path, '--from-key-file', `${folder.path}/carillon.db.key`);
    assert.notEqual(
      readFileSync(join(other.path, 'carillon.db.key'), 'utf8'),
      readFileSync(join(folder.path, 'carillon.db.key'), 'utf8'),
    );
    await checkMoved(sqlite(other.path), filled, receiver, 3);
  });

  it('is refused, and changes nothing, where the file or the database cannot be used', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    const from = sqlite(folder.path);
    await fill(from, receiver);
    {
      await using server = await serve(from);
      assert.match(
        await refusal(from, 'export', 'x.export'),
        /is in use by another Carillon \(process \d+\); stop that one/,
      );
      await server.stop('SIGTERM');
    }
    await done(from, 'export', 'x.export');
    assert.match(await refusal(from, 'export', 'x.export'), /x\.export exists already/);
    assert.match(
      await refusal(from, 'export', 'y.export', '--db', 'none.db'),
      /none\.db is missing or empty/,
    );
    const path = (name: string) => join(folder.path, name);
    const whole = readFileSync(path('x.export'));
    const text = gunzipSync(whole).toString('utf8');
    const lines = text.split('\n');
    const row = lines.findIndex((line) => line.includes('order.paid'));
    const bent = lines.with(row, lines[row]!.replace('order.paid', 'order.sent'));
    const cases: [name: string, bytes: Uint8Array | string, says: RegExp][] = [
      [
        'cut',
        whole.subarray(0, whole.length - 30),
        /cut is cut short; copy it once more, or export once more; nothing was changed/,
      ],
      ['short', gzipSync(lines.slice(0, -2).join('\n')), /short is cut short/],
      ['bent', gzipSync(bent.join('\n')), /bent is damaged: its rows are not those that it was written with/],
      ['broken', gzipSync(lines.with(row, '["x"]').join('\n')), /broken is damaged in line \d+/],
      ['flipped', flipped(whole), /flipped is (?:damaged|cut short)/],
      [
        'newer',
        gzipSync(text.replace('"format":1', '"format":2')),
        /newer was written by a newer Carillon \(format 2; this version reads 1\): upgrade/,
      ],
      ['text', 'no export\n', /text is no export of Carillon/],
      ['json', gzipSync('{"a":1}\n'), /json is no export of Carillon/],
      ['empty', '', /empty is cut short/],
    ];
    await using other = await temporaryFolder();
    const to = sqlite(other.path, readFileSync(path('carillon.db.key'), 'utf8').trim());
    for (const [name, bytes, says] of cases) {
      writeFileSync(path(name), bytes);
      assert.match(await refusal(to, 'import', path(name)), says, name);
    }
    assert.match(await refusal(to, 'import', path('nowhere')), /nowhere does not exist; nothing was changed/);
    assert.deepEqual(readdirSync(other.path), []);
    assert.match(await refusal(from, 'import', 'x.export'), /carillon\.db is not empty/);
    assert.ok(!existsSync(path('y.export')));
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[Math.floor(copy.length / 2)]! ^= 0xff;
  return copy;
}
