import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/store/open.ts';
import { connect } from '../../src/store/postgres/connection/driver.ts';
import { aSchemaUrl, postgresUrl, startPostgres } from '../support/postgres.ts';
import { aPublication, aWebhook } from '../support/store.ts';
import type { Acknowledged } from '../support/store-writer.ts';
import { waitingOf } from './conformance/harness.ts';

const CRASHES = 3;
const WRITER = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url));

/** A process that writes to a store, and the lines that it says. */
function startWriter(t: TestContext, url: string): { writer: ChildProcess; lines: AsyncIterator<string> } {
  const writer = spawn(process.execPath, [WRITER, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => writer.kill('SIGKILL'));
  return { writer, lines: createInterface({ input: writer.stdout })[Symbol.asyncIterator]() };
}

describe('a store on PostgreSQL whose process is killed', () => {
  for (const count of [1, 150, 600]) {
    test(`has everything acknowledged, after ${count} acknowledgements`, async (t) => {
      const url = await aSchemaUrl();
      const { writer, lines } = startWriter(t, url);
      assert.equal((await lines.next()).value, 'open');
      const acknowledged: Acknowledged[] = [];
      while (acknowledged.length < count) acknowledged.push(JSON.parse((await lines.next()).value));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      for (let line = await lines.next(); !line.done; line = await lines.next()) {
        // The last line may have been cut off by the kill.
        if (line.value.endsWith('}')) acknowledged.push(JSON.parse(line.value));
      }

      const store = await openStore(url);
      const webhooks = await store.getWebhooks(acknowledged.map(({ webhookId }) => webhookId));
      for (const [i, { webhookId, nominalAt, deliveryId, settled }] of acknowledged.entries()) {
        assert.equal(webhooks[i]?.cursor.nominalAt, nominalAt, webhookId);
        const delivery = await store.getDelivery({ namespace: 'default', id: deliveryId });
        assert.equal(delivery?.webhookId, webhookId);
        if (settled) {
          assert.equal(delivery.state, 'SUCCEEDED', deliveryId);
          assert.equal(delivery.attempts.length, 1);
        }
        const [body] = await store.getEventBodies([delivery.eventId]);
        assert.ok(body, `the event of ${deliveryId}`);
      }
      await store.close();
      assert.equal(await torn(url), 0, 'a run is there if and only if the cursor of its webhook has moved');
    });
  }
});

describe('a store whose PostgreSQL crashes', () => {
  test('goes on by itself, with everything acknowledged, and nothing twice', async (t) => {
    const server = await startPostgres();
    t.after(server.stop);
    const store = await openStore(server.url);
    t.after(store.close);
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const acknowledged: string[] = [];
    const refused: string[] = [];
    let crashes = 0;

    async function publishOn(): Promise<void> {
      while (crashes < CRASHES) {
        const publication = aPublication([webhook.id]);
        const { id } = publication.deliveries[0]!;
        const [result] = await store.publish([publication]).catch(() => []);
        if (result?.kind === 'PUBLISHED') acknowledged.push(id);
        else refused.push(id);
      }
    }

    const publishers = Promise.all(Array.from({ length: 8 }, publishOn));
    for (; crashes < CRASHES; crashes++) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 50 && refused.length === 0) await sleep(10);
      await server.crash();
    }
    await publishers;

    const waiting = await waitingOf(store, webhook.id);
    const ids = new Set(waiting.map(({ id }) => id));
    assert.equal(ids.size, waiting.length);
    assert.deepEqual(
      acknowledged.filter((id) => !ids.has(id)),
      [],
      'what was acknowledged is there',
    );
    // The dispatcher has heard of all of it, and of nothing else.
    const { deliveries, topUp } = await store.pollWaiting();
    assert.deepEqual([new Set(deliveries.map(({ id }) => id)), topUp], [ids, []]);
    assert.deepEqual(refused, [], 'a crash is over before anybody loses patience');
    const [usage] = await store.namespaceUsage([webhook.namespace]);
    assert.equal(usage?.waiting, ids.size);
  });
});

/** Webhooks of which a transaction was written in part. */
async function torn(url: string): Promise<unknown> {
  const schema = new URL(url).searchParams.get('schema');
  const session = await connect({ connectionString: await postgresUrl() });
  const { rows } = await session.query(
    `SELECT count(*) FROM ${schema}.webhooks AS w
     WHERE fired <> (SELECT count(*) FROM ${schema}.deliveries WHERE webhook = w.key)`,
    undefined,
    [],
  );
  await session.close();
  return (rows[0] as unknown[])[0];
}
