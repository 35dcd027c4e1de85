import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/store/open.ts';
import { connect } from '../../src/store/postgres/driver.ts';
import { aSchemaUrl, postgresUrl } from '../support/postgres.ts';
import type { Acknowledged } from '../support/store-writer.ts';

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
