import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/store/open.ts';
import type { Acknowledged } from '../support/store-writer.ts';

const WRITER = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'carillon-kill-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let paths = 0;
const aPath = (): string => join(folder, `${++paths}.db`);

/** A process that writes to the store at `path`, and the lines that it says. */
function startWriter(t: TestContext, path: string): { writer: ChildProcess; lines: AsyncIterator<string> } {
  const writer = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => writer.kill('SIGKILL'));
  return { writer, lines: createInterface({ input: writer.stdout })[Symbol.asyncIterator]() };
}

async function kill(writer: ChildProcess): Promise<void> {
  writer.kill('SIGKILL');
  await once(writer, 'exit');
}

describe('a store whose process is killed', () => {
  for (const count of [1, 150, 600]) {
    test(`has everything acknowledged, after ${count} acknowledgements`, async (t) => {
      const path = aPath();
      const { writer, lines } = startWriter(t, path);
      assert.equal((await lines.next()).value, 'open');
      const acknowledged: Acknowledged[] = [];
      while (acknowledged.length < count) acknowledged.push(JSON.parse((await lines.next()).value));
      await kill(writer);
      for (let line = await lines.next(); !line.done; line = await lines.next()) {
        // The last line may have been cut off by the kill.
        if (line.value.endsWith('}')) acknowledged.push(JSON.parse(line.value));
      }

      const store = await openStore(path);
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

      const db = new DatabaseSync(path, { readOnly: true });
      assert.deepEqual({ ...db.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
      // Whole transactions only: a webhook's run is there if and only if its cursor has moved.
      const torn = db.prepare(`
        SELECT count(*) AS torn FROM webhooks
        WHERE fired <> (SELECT count(*) FROM deliveries WHERE webhook = webhooks.key)`);
      assert.deepEqual({ ...torn.get() }, { torn: 0 });
      db.close();
    });
  }
});

describe('a file that another process has', () => {
  test('is refused, naming that process, until the process is gone, however it goes', async (t) => {
    const path = aPath();
    const { writer, lines } = startWriter(t, path);
    assert.equal((await lines.next()).value, 'open');
    await assert.rejects(openStore(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'FAILED_PRECONDITION');
      assert.ok(error.message.includes(`(process ${writer.pid})`), error.message);
      return true;
    });
    await kill(writer);
    await (await openStore(path)).close();
  });
});
