import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { openStore } from '../../../src/store/open.ts';
import { connect, type Session } from '../../../src/store/postgres/connection/driver.ts';
import type { Store } from '../../../src/store/store.ts';
import { aSchemaUrl, postgresUrl } from '../../support/postgres.ts';
import { aDelivery, anEvent, aPublication, aRun, aWebhook, T0 } from '../../support/store.ts';
import { register, settlement } from '../conformance/harness.ts';

const EVENTS = 12_000;
/** Beside those that get something. */
const OTHER_WEBHOOKS = 4_000;
/** What grows without bound, and is large here. */
const LARGE = ['waiting', 'history', 'events', 'journal', 'webhooks'];
/** More than one who watches is given at a time. */
const CHANGES = 200;
/** So often that a server would take a plan for any values, and not for these. */
const TIMES = 8;

describe('what is asked of large tables', () => {
  let store: Store;
  let session: Session;
  let schema = '';
  let webhooks: Webhook[] = [];

  before(async () => {
    const url = await aSchemaUrl();
    schema = new URL(url).searchParams.get('schema')!;
    session = await connect({ connectionString: await postgresUrl() });
    store = await openStore(url);
    const namespace = 'shop';
    await store.tidy({ now: T0, finishedBefore: 0 });
    webhooks = [];
    const others = Array.from({ length: OTHER_WEBHOOKS }, () => aWebhook({ namespace: 'others' }));
    for (let i = 0; i < others.length; i += 500) await store.createWebhooks(others.slice(i, i + 500));
    for (let i = 0; i < 200; i++) webhooks.push(await register(store, { namespace }));
    for (let from = 0; from < EVENTS; from += 1_000) {
      const batch = Array.from({ length: 1_000 }, (_, i) =>
        aPublication([webhooks[(from + i) % 40]!.id], { event: { namespace } }),
      );
      await store.publish(batch);
      const { deliveries } = await store.pollWaiting();
      const half = deliveries.filter((_, i) => Math.floor(i / 40) % 2 === 0);
      await store.settle(
        half.map((delivery) => settlement(delivery)),
        [],
      );
    }
    await session.exec(LARGE.map((table) => `ANALYZE ${schema}.${table}`).join('; '));
  });
  after(async () => {
    await session.close();
    await store.close();
  });

  /** Rows of each of them that were read from its beginning on. Those of days count for the table that they are a part of. */
  async function scans(): Promise<Map<string, number>> {
    // Sessions tell of what they did within a second.
    await sleep(1_500);
    const { rows } = await session.query(
      `SELECT regexp_replace(relname, '_(rest|[0-9]{8})$', ''), sum(seq_tup_read)::bigint FROM pg_stat_user_tables
       WHERE schemaname = $1 GROUP BY 1`,
      undefined,
      [schema],
    );
    return new Map(rows as [string, number][]);
  }

  async function work(round: number): Promise<void> {
    const namespace = 'shop';
    const webhook = webhooks[round]!;
    const callerId = `order-${round}`;
    const remember = { digest: 'd', until: T0 + 1_000 };
    const named = aPublication([webhook.id], { event: { namespace, callerId }, remember });
    await store.publish([named, aPublication([webhook.id], { event: { namespace } })]);
    await store.fireRuns([aRun(webhook), aRun(webhooks[round + 100]!, { overlap: 'SUPERSEDE' })]);
    const [lane] = await store.topUp([{ webhookId: webhook.id, limit: 20, ordered: false }]);
    await store.topUp([{ webhookId: webhook.id, limit: 20, ordered: true }]);
    const [done, failed, later, cancelled] = lane!.deliveries;
    await store.settle(
      [
        settlement(done!),
        settlement(failed!, { to: 'FAILED', reason: 'EXHAUSTED' }),
        settlement(later!, { to: 'PENDING', dueAt: T0 + 9 }),
      ],
      [],
    );
    const keyOf = ({ id }: { id: string }) => ({ namespace, id, now: T0 });
    await store.retryDeliveries([keyOf(failed!)]);
    await store.cancelDeliveries([keyOf(cancelled!)]);
    await store.getDelivery(keyOf(done!));
    await store.getContents([keyOf(done!)]);
    await store.sendersOf([done!.id]);
    await store.getEventBodies([done!.eventId]);
    await store.replay([{ eventId: done!.eventId, delivery: aDelivery(webhook.id), now: T0 }]);
    await store.purgeEvents([{ namespace, id: done!.eventId }]);
    await store.listDeliveries({ namespace, limit: 20 });
    await store.listDeliveries({ namespace, limit: 20, webhookId: webhook.id, state: 'PENDING' });
    await store.listDeliveries({ namespace, limit: 20, state: 'FAILED' });
    await store.listDeliveries({ namespace, limit: 20, eventId: done!.eventId });
    await store.listEvents({ namespace, limit: 20 });
    await store.listWebhooks({ namespace, limit: 20 });
    await store.changesSince({ namespace, after: 0, limit: 20 });
    await store.changesSince({ namespace, after: 0, limit: CHANGES });
    await store.upcomingRuns({ before: T0 + 120_000, limit: 20 });
    await store.getWebhooks([webhook.id]);
    await store.getTraffic([webhook.id]);
    const backfill = {
      webhookId: webhook.id,
      version: 1,
      takeTurns: 'APART',
      waitingMax: 9,
      now: T0,
    } as const;
    await store.backfillRuns([
      { ...backfill, runs: [{ event: anEvent({ namespace }), delivery: aDelivery(webhook.id) }] },
    ]);
    await store.sweep({ now: T0, finishedBefore: T0 - 1, payloadsBefore: T0 - 1 });
  }

  test('is found by an index, by whatever plan: no table is read whole', async () => {
    // The first time, much is looked up that is remembered after that.
    await work(0);
    const earlier = await scans();
    for (let round = 1; round <= TIMES; round++) await work(round);
    const later = await scans();
    assert.deepEqual(
      LARGE.filter((table) => later.get(table) !== earlier.get(table)),
      [],
    );
  });
});
