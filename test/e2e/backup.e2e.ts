import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { verify } from '../../src/library/verify.ts';
import { connectCall } from '../support/call.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver, type Receiver, status } from '../support/receiver.ts';
import { type CarillonProcess, runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

const ALLOW = ['--allow-destinations', '127.0.0.0/8'];

async function ran(
  cwd: string,
  argv: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  await using program = runCarillon(argv, { cwd });
  const { code } = await program.exited;
  return { code, out: program.output.stdout, err: program.output.stderr };
}

/** What a command says that is refused: a line. */
async function refusal(cwd: string, argv: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(cwd, argv);
  assert.equal(code, 1, out);
  assert.match(err, /^carillon: .*\n$/);
  return err;
}

function start(cwd: string, ...args: readonly string[]): Promise<CarillonProcess> {
  return startCarillon({ command: 'serve', cwd, args: [...ALLOW, ...args] });
}

async function register({ url }: CarillonProcess, receiver: Receiver): Promise<string> {
  const webhook = { id: 'shop', name: 'shop', destination: `${receiver.url}/shop`, eventTypes: ['order.*'] };
  const answer = await connectCall(url)('WebhookService/Register', { webhook });
  return String(answer.secret);
}

function publish({ url }: CarillonProcess, id: string): Promise<unknown> {
  return connectCall(url)('EventService/Publish', { event: { id, type: 'order.paid', json: { id } } });
}

describe('a backup of a server that is at work', () => {
  it('is restored elsewhere, sends nothing until it is told to, and then what waited, signed as before', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    receiver.answer(status(503));
    await using server = await start(folder.path);
    const secret = await register(server, receiver);
    await publish(server, 'before');
    await receiver.received(1);
    const backup = await ran(folder.path, ['backup', 'backup.db']);
    assert.deepEqual([backup.code, backup.err], [0, '']);
    assert.match(backup.out, /^backup\.db has 1 webhook and 1 delivery that wait, as of 20\S+Z: \d+ bytes\n/);
    await publish(server, 'after');

    assert.match(
      await refusal(folder.path, ['backup', 'backup.db']),
      /backup\.db exists already; give another name/,
    );
    const restoring = ['restore', 'backup.db'];
    assert.match(await refusal(folder.path, restoring), /carillon\.db exists already; with --replace/);
    assert.match(
      await refusal(folder.path, [...restoring, '--replace']),
      /is in use by another Carillon \(process \d+\)/,
    );
    await server.stop('SIGKILL');

    await using other = await temporaryFolder();
    copyFileSync(join(folder.path, 'backup.db'), join(other.path, 'backup.db'));
    assert.match(
      await refusal(other.path, restoring),
      /there is no key that opens the secrets in backup\.db/,
    );
    copyFileSync(join(folder.path, 'carillon.db.key'), join(other.path, 'carillon.db.key'));
    const restored = await ran(other.path, restoring);
    assert.deepEqual([restored.code, restored.err], [0, '']);
    assert.match(restored.out, /carillon\.db is the backup now: 1 webhook and 1 delivery that wait\n/);
    assert.match(restored.out, /What was sent after 20\S+Z may be sent again/);

    const sent = receiver.requests.length;
    receiver.answer(status(200));
    await using copy = await start(other.path);
    await publish(copy, 'before');
    const { deliveries } = await connectCall(copy.url)('DeliveryService/ListDeliveries', {});
    assert.equal((deliveries as unknown[]).length, 1, 'what was published before is known');
    await connectCall(copy.url)('DeliveryService/RetryDeliveries', { filter: 'state = PENDING' });
    await publish(copy, 'later');
    assert.equal(receiver.requests.length, sent);
    const resumed = await ran(other.path, ['resume', '--all', '--address', copy.url]);
    assert.equal(resumed.code, 0, resumed.err);
    await until(() => (receiver.requests.length === sent + 2 ? true : undefined));
    for (const { body, headers } of receiver.requests) verify({ body, headers, secret });
  });

  it('takes the place of a database that is put aside, and needs no --restored', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    {
      await using server = await start(folder.path);
      await register(server, receiver);
      assert.equal((await ran(folder.path, ['backup', 'backup.db'])).code, 0);
      await connectCall(server.url)('WebhookService/Remove', { id: 'shop' });
      await server.stop('SIGTERM');
    }
    const { code, out } = await ran(folder.path, ['restore', 'backup.db', '--replace']);
    assert.equal(code, 0);
    const [, aside] = /^What was there before is (.*)$/m.exec(out) ?? [];
    assert.ok(aside !== undefined && readFileSync(aside).length > 0);
    await using server = await start(folder.path, '--take-over');
    assert.equal((await fetch(`${server.url}/v1/webhooks/shop`)).status, 200);
  });

  it('is refused where it is cut short, is no backup, or its key is another, and nothing is changed', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    {
      await using server = await start(folder.path);
      await register(server, receiver);
      await server.stop('SIGTERM');
    }
    assert.equal((await ran(folder.path, ['backup', 'backup.db'])).code, 0);
    const path = (name: string) => join(folder.path, name);
    copyFileSync(path('backup.db'), path('cut.db'));
    truncateSync(path('cut.db'), 100_000);
    writeFileSync(path('text.db'), 'no database\n');
    writeFileSync(path('other.key'), `${'b'.repeat(64)}\n`, { mode: 0o600 });
    const before = readdirSync(folder.path).filter((name) => !name.endsWith('-lock'));
    const bytes = readFileSync(path('carillon.db'));
    const refused = (file: string, ...more: string[]) =>
      refusal(folder.path, ['restore', file, '--replace', ...more]);
    assert.match(await refused('cut.db'), /cut\.db is damaged/);
    assert.match(await refused('text.db'), /text\.db is not an SQLite database/);
    assert.match(await refused('none.db'), /none\.db is missing or empty/);
    assert.match(await refused('carillon.db'), /is the database itself/);
    assert.match(
      await refused('backup.db', '--secrets-key-file', 'other.key'),
      /the key [0-9a-f]{16} is missing/,
    );
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => !name.endsWith('-lock')),
      before,
    );
    assert.deepEqual(readFileSync(path('carillon.db')), bytes);
  });
});
