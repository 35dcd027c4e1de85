import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import type { ConnectErrorJson, Json } from '../support/call.ts';
import { connectCall } from '../support/call.ts';
import { watchHealth } from '../support/health.ts';
import { lossyProxy } from '../support/lossy-proxy.ts';
import { aSchemaUrl, type OwnPostgres, startPostgres } from '../support/postgres.ts';
import { startPair } from '../support/postgres-pair.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { type CarillonProcess, startCarillon } from '../support/server.ts';

/** How often the database ends at once and is started again. */
const RESTARTS = Number(process.env.RESTARTS ?? 3);
const PUBLISHERS = 8;
/** What is taken between two outages, at least. */
const BETWEEN = 100;

function start(url: string, ...args: string[]): Promise<CarillonProcess> {
  return startCarillon({
    command: 'serve',
    args: ['--allow-destinations', '127.0.0.0/8', ...args],
    env: { CARILLON_STORE: url, CARILLON_SECRETS_KEY: randomBytes(32).toString('base64') },
  });
}

async function register({ url }: CarillonProcess, { port }: Receiver): Promise<void> {
  const webhook = { name: 'joe', destination: `http://127.0.0.1:${port}/joe`, eventTypes: ['order.paid'] };
  await connectCall(url)('WebhookService/Register', { webhook });
}

/** Publishes, and returns why not if it was refused; any other end of a call is no outage's. */
async function publish(
  { url }: CarillonProcess,
  id: string,
  json: Json = { id },
): Promise<ConnectErrorJson | undefined> {
  const response = await fetch(`${url}/carillon.v1.EventService/Publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event: { id, type: 'order.paid', json } }),
  });
  return response.ok ? undefined : ((await response.json()) as ConnectErrorJson);
}

/** Seconds after which a refused call may be made again. */
function retrySeconds({ details = [] }: ConnectErrorJson): number | undefined {
  const found = details.find(({ type }) => type === RetryInfoSchema.typeName);
  if (found === undefined) return undefined;
  const { retryDelay } = fromBinary(RetryInfoSchema, Buffer.from(found.value, 'base64'));
  return Number(retryDelay?.seconds ?? 0) + Number(retryDelay?.nanos ?? 0) / 1e9;
}

/** Publishers that go on, and say again what was refused, until they are stopped. */
function startPublishers(server: CarillonProcess) {
  const acknowledged: string[] = [];
  const refusals: ConnectErrorJson[] = [];
  let stopped = false;
  async function publishOn(name: number): Promise<void> {
    for (let n = 0; !stopped; n++) {
      const id = `order-${name}-${n}`;
      for (;;) {
        const refused = await publish(server, id);
        if (refused === undefined) break;
        refusals.push(refused);
        await sleep(100);
      }
      acknowledged.push(id);
    }
  }
  const all = Promise.all(Array.from({ length: PUBLISHERS }, (_, name) => publishOn(name)));
  return {
    acknowledged,
    refusals,
    /** Waits until so many more were taken. */
    async more(count: number): Promise<void> {
      const goal = acknowledged.length + count;
      while (acknowledged.length < goal) await Promise.race([sleep(20), all]);
    },
    async stop(): Promise<void> {
      stopped = true;
      await all;
    },
  };
}

/** What of it has not arrived. */
async function missing({ requests }: Receiver, ids: readonly string[]): Promise<readonly string[]> {
  for (let tries = 0; ; tries++) {
    const arrived = new Set(requests.map(({ body }) => (JSON.parse(body.toString()) as Message).data.id));
    const left = ids.filter((id) => !arrived.has(id));
    if (left.length === 0 || tries === 600) return left;
    await sleep(50);
  }
}

interface Message {
  readonly data: { readonly id: string };
}

/** It never ended, and whoever was refused was told to try again. */
function assertSurvived({ output }: CarillonProcess, refusals: readonly ConnectErrorJson[]): void {
  assert.equal(output.log.filter(({ msg }) => msg === 'listening').length, 1);
  assert.equal(output.stderr, '');
  for (const refusal of refusals) {
    assert.equal(refusal.code, 'unavailable', String(refusal.message));
    assert.ok((retrySeconds(refusal) ?? 0) > 0, 'it has RetryInfo');
  }
}

describe('a server whose PostgreSQL goes away', () => {
  it(`${RESTARTS} times without notice and comes back each time, has lost nothing and goes on`, async (t) => {
    const postgres = await startPostgres();
    t.after(postgres.stop);
    await using receiver = await openReceiver();
    await using server = await start(postgres.url);
    await register(server, receiver);
    const publishers = startPublishers(server);
    for (let n = 0; n < RESTARTS; n++) {
      await publishers.more(BETWEEN);
      await postgres.crash();
    }
    await publishers.more(BETWEEN);
    await publishers.stop();
    assert.deepEqual(await missing(receiver, publishers.acknowledged), []);
    assertSurvived(server, publishers.refusals);
    assert.equal((await server.stop('SIGTERM')).code, 0);
  });

  it('for good, and whose standby takes over, has lost nothing and goes on', async (t) => {
    const pair = await startPair();
    t.after(pair.stop);
    await pair.waitForStandby();
    await using receiver = await openReceiver();
    await using server = await start(`${pair.url}?connect_timeout=2`);
    await register(server, receiver);
    await using health = await watchHealth(server.url);
    assert.equal(await health.next(), 'SERVING');
    const publishers = startPublishers(server);
    await publishers.more(BETWEEN);
    await pair.primary.halt();
    assert.equal(await health.next(), 'NOT_SERVING');
    await pair.promote();
    assert.equal(await health.next(), 'SERVING');
    await publishers.more(BETWEEN);
    await publishers.stop();
    assert.deepEqual(await missing(receiver, publishers.acknowledged), []);
    assertSurvived(server, publishers.refusals);
  });

  it('writes down when it is back what became of a request meanwhile, and does not send it again', async () => {
    const url = new URL(await aSchemaUrl());
    await using proxy = await lossyProxy(url.hostname, Number(url.port));
    url.port = String(proxy.port);
    await using receiver = await openReceiver();
    await using server = await start(url.href);
    await register(server, receiver);
    const arrived = Promise.withResolvers<() => void>();
    receiver.script(({ response }) => arrived.resolve(() => response.end()));
    assert.equal(await publish(server, 'one'), undefined);
    const answer = await arrived.promise;
    proxy.cut();
    answer();
    await server.logged(({ msg }) => msg === 'settlements could not be written');
    const refused = await publish(server, 'two');
    assertSurvived(server, [refused!]);
    proxy.mend();
    await server.logged(({ msg }) => msg === 'settlements can be written again');
    const { deliveries } = (await connectCall(server.url)(
      'DeliveryService/ListDeliveries',
      {},
    )) as unknown as {
      deliveries: { state: string; attemptCount: number }[];
    };
    assert.deepEqual(
      deliveries.map(({ state, attemptCount }) => [state, attemptCount]),
      [['STATE_SUCCEEDED', 1]],
    );
    assert.equal(receiver.requests.length, 1);
  });
});

describe('a server whose PostgreSQL has no space', { skip: noMount() }, () => {
  it('says so, loses nothing, and goes on when there is some again', async (t) => {
    const disk = mkdtempSync(join(tmpdir(), 'carillon-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk]);
    let postgres: OwnPostgres | undefined;
    t.after(async () => {
      await postgres?.stop();
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    });
    postgres = await startPostgres({
      parent: disk,
      flags: ['-c', 'max_wal_size=48MB', '-c', 'min_wal_size=32MB'],
    });
    await using receiver = await openReceiver();
    await using server = await start(postgres.url);
    await register(server, receiver);
    assert.equal(await publish(server, 'before'), undefined);
    const filling = join(disk, 'filling');
    fill(disk, filling);

    const taken = ['before'];
    let refused: ConnectErrorJson | undefined;
    for (let n = 0; refused === undefined; n++) {
      assert.ok(n < 3_000, 'the disk is never full');
      const id = `full-${n}`;
      refused = await publish(server, id, { id, padding: randomBytes(48 * 1024).toString('base64') });
      if (refused === undefined) taken.push(id);
    }
    assertSurvived(server, [refused]);

    rmSync(filling);
    await startAgain(postgres);
    let again: ConnectErrorJson | undefined = refused;
    for (let tries = 0; again !== undefined; tries++) {
      assertSurvived(server, [again]);
      assert.ok(tries < 200, String(again.message));
      await sleep(100);
      again = await publish(server, 'after');
    }
    assert.deepEqual(await missing(receiver, [...taken, 'after']), []);
    assert.equal((await server.stop('SIGTERM')).code, 0);
  });
});

/** Leaves next to nothing of a disk. */
function fill(disk: string, path: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(path, Buffer.alloc(Math.max(0, bavail * bsize - 1024 * 1024)));
}

/** A PostgreSQL that could not write its log has ended itself, and is started again by whoever made space. */
async function startAgain(postgres: OwnPostgres): Promise<void> {
  if (!postgres.isRunning()) await postgres.start();
}

/** Only who may mount has a disk that can be filled. */
function noMount(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return false;
  } catch {
    return 'nobody but an administrator can mount a small disk';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
