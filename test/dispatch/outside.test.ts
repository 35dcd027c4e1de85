import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import type { DeliveryDetail } from '../../src/domain/delivery/delivery.ts';
import type { Store } from '../../src/store/store.ts';
import { LIMITS, openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { hang, openReceiver, status } from '../support/receiver.ts';
import { openMemoryStore } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

const HOUR = 3_600_000;
const NAMESPACE = 'default';

function order(id: string) {
  return { namespace: NAMESPACE, id, now: systemClock.now() };
}

/** The delivery once it is in this state. */
function inState(pipeline: Pipeline, id: string, state: DeliveryDetail['state']): Promise<DeliveryDetail> {
  return until(async () => {
    const delivery = await pipeline.delivery(id);
    return delivery.state === state ? delivery : undefined;
  });
}

describe('what changes from outside', TOGETHER, () => {
  it('sends a delivery now that was waiting for a retry far ahead', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(500));
    const retryPolicy = { ...QUICK_RETRIES, delaysMs: [HOUR] };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const [id] = await pipeline.publish(webhook, ['x']);
    await until(async () => ((await pipeline.delivery(id!)).attemptCount === 1 ? true : undefined));
    assert.deepEqual(await pipeline.store.retryDeliveries([order(id!)]), ['RETRIED']);
    const { attempts } = await inState(pipeline, id!, 'SUCCEEDED');
    assert.equal(attempts.length, 2);
  });

  it('sends a delivery now that was waiting in memory for a retry soon', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(500));
    const retryPolicy = { ...QUICK_RETRIES, delaysMs: [50_000] };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const [id] = await pipeline.publish(webhook, ['x']);
    await until(async () => ((await pipeline.delivery(id!)).attemptCount === 1 ? true : undefined));
    assert.deepEqual(await pipeline.store.retryDeliveries([order(id!)]), ['RETRIED']);
    await inState(pipeline, id!, 'SUCCEEDED');
  });

  it('sends a failed delivery again, by the same id, with attempts that are counted anew', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(500));
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 2 };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const [id] = await pipeline.publish(webhook, ['x']);
    await inState(pipeline, id!, 'FAILED');
    receiver.script(status(500), status(200));
    assert.deepEqual(await pipeline.store.retryDeliveries([order(id!)]), ['RETRIED']);
    const { attempts } = await inState(pipeline, id!, 'SUCCEEDED');
    assert.deepEqual(
      attempts.map(({ number }) => number),
      [1, 2, 3, 4],
    );
    const { headers } = receiver.requests[3]!;
    assert.deepEqual([headers['webhook-id'], headers['carillon-attempt']], [id, '4']);
  });

  it('sends failed deliveries again however often, and nothing that nobody asked for', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(404));
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const ids = await pipeline.publish(webhook, ['1', '2', '3', '4']);
    for (let round = 1; round <= 20; round++) {
      await until(() => (receiver.requests.length === round * ids.length ? true : undefined));
      await pipeline.finished(webhook);
      if (round < 20) await pipeline.store.retryDeliveries(ids.map(order));
    }
    for (const id of ids) assert.equal((await pipeline.delivery(id)).attemptCount, 20);
    assert.equal(receiver.requests.length, 20 * ids.length);
  });

  it('makes no attempt more than one of what succeeds while a caller has it sent again', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(({ response, after }) => after(3, () => response.end()));
    const webhook = await pipeline.register({ destination: receiver.url });
    for (let round = 0; round < 40; round++) {
      const [id] = await pipeline.publish(webhook, [String(round)]);
      await receiver.received(round + 1);
      // In flight, settled in memory, or settled on disk: a little later each time.
      await new Promise((resolve) => setTimeout(resolve, round % 12));
      await pipeline.store.retryDeliveries([order(id!)]);
      await inState(pipeline, id!, 'SUCCEEDED');
    }
    await pipeline.stop();
    assert.equal(receiver.requests.length, 40);
  });

  it('cancels what waits when a caller wishes so', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(500));
    const retryPolicy = { ...QUICK_RETRIES, delaysMs: [50_000] };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const [retrying] = await pipeline.publish(webhook, ['1']);
    const [later] = await pipeline.publish(webhook, ['2'], { dueAt: systemClock.now() + HOUR });
    await until(async () => ((await pipeline.delivery(retrying!)).attemptCount === 1 ? true : undefined));
    const wishes = [order(retrying!), order(later!)];
    assert.deepEqual(await pipeline.store.cancelDeliveries(wishes), ['CANCELLING', 'CANCELLING']);
    for (const id of [retrying!, later!])
      assert.equal((await inState(pipeline, id, 'CANCELLED')).reason, 'REQUESTED');
    assert.equal(receiver.requests.length, 1);
  });

  it('sends again what was cancelled, when a caller changes their mind', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url });
    const [id] = await pipeline.publish(webhook, ['x'], { dueAt: systemClock.now() + 50_000 });
    await pipeline.store.cancelDeliveries([order(id!)]);
    await inState(pipeline, id!, 'CANCELLED');
    assert.deepEqual(await pipeline.store.retryDeliveries([order(id!)]), ['RETRIED']);
    await inState(pipeline, id!, 'SUCCEEDED');
    assert.equal(receiver.requests.length, 1);
  });

  it('sends what a caller cancels and wants sent again at once, however soon after', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url });
    for (let round = 0; round < 30; round++) {
      const [id] = await pipeline.publish(webhook, ['x'], { dueAt: systemClock.now() + 50_000 });
      await pipeline.store.cancelDeliveries([order(id!)]);
      // Marked, settled in memory, or settled on disk: a little later each time.
      await new Promise((resolve) => setTimeout(resolve, round));
      assert.deepEqual(await pipeline.store.retryDeliveries([order(id!)]), ['RETRIED']);
      await inState(pipeline, id!, 'SUCCEEDED');
    }
    assert.equal(receiver.requests.length, 30);
  });

  it('lets what is in flight have its chance, and makes no retry after it', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(200, { delayMs: 200 }), status(500, { delayMs: 200 }));
    const limits = { ...LIMITS, concurrency: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    const ids = await pipeline.publish(webhook, ['good', 'bad']);
    for (const [i, id] of ids.entries()) {
      await receiver.received(i + 1);
      await pipeline.store.cancelDeliveries([order(id)]);
    }
    assert.equal((await inState(pipeline, ids[0]!, 'SUCCEEDED')).attemptCount, 1);
    const given = await inState(pipeline, ids[1]!, 'CANCELLED');
    assert.deepEqual([given.reason, given.attemptCount], ['REQUESTED', 1]);
    assert.equal(receiver.requests.length, 2);
  });

  it('sends nothing of an event that was purged while its deliveries waited', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(hang());
    const limits = { ...LIMITS, concurrency: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, limits, timeoutMs: 300 });
    await pipeline.publish(webhook, ['in the way']);
    await receiver.received(1);
    const [id] = await pipeline.publish(webhook, ['personal'], {
      event: { callerId: 'personal-1' },
    });
    const keys = [{ namespace: NAMESPACE, id: 'personal-1' }];
    assert.deepEqual(await pipeline.store.purgeEvents(keys), [{ cancelled: 1 }]);
    assert.equal((await inState(pipeline, id!, 'CANCELLED')).reason, 'PURGED');
    await pipeline.finished(webhook);
    assert.ok(receiver.requests.every(({ body }) => body.toString() === 'in the way'));
  });

  it('finds all of many changes, also those that were not handed over one by one', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ storeOptions: { visibleRowsMax: 10 } });
    const webhook = await pipeline.register({ destination: receiver.url });
    const bodies = Array.from({ length: 300 }, (_, i) => String(i));
    const ids = await pipeline.publish(webhook, bodies, { dueAt: systemClock.now() + 50_000 });
    await pipeline.store.cancelDeliveries(ids.slice(0, 150).map(order));
    await pipeline.store.retryDeliveries(ids.slice(150).map(order));
    const deliveries = await pipeline.finished(webhook);
    const states = new Map(deliveries.map(({ id, state }) => [id, state]));
    for (const [i, id] of ids.entries())
      assert.equal(states.get(id), i < 150 ? 'CANCELLED' : 'SUCCEEDED', `delivery ${i}`);
    assert.equal(receiver.requests.length, 150);
  });

  /** A webhook that the breaker keeps from moving for minutes, with so many deliveries waiting. */
  async function behindBreaker(pipeline: Pipeline, destination: string, count: number) {
    const webhook = await pipeline.register({
      destination,
      retryPolicy: { ...QUICK_RETRIES, delaysMs: [HOUR] },
    });
    const now = systemClock.now();
    const health = { failingSince: now, trips: 7, openUntil: now + 5 * 60_000, holdUntil: null };
    const update = { webhook: { ...webhook, health, version: 2 }, ifVersion: 1, resetHealth: true };
    assert.deepEqual(await pipeline.store.updateWebhooks([update]), ['UPDATED']);
    const ids = await pipeline.publish(
      webhook,
      Array.from({ length: count }, (_, i) => String(i)),
    );
    return { webhook, health, ids };
  }

  it('sends what a caller wants sent again through an open breaker, and the others once that succeeds', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const { webhook, ids } = await behindBreaker(pipeline, receiver.url, 5);
    const last = ids.at(-1)!;
    assert.deepEqual(await pipeline.store.retryDeliveries([order(last)]), ['RETRIED']);
    await pipeline.finished(webhook);
    assert.equal(receiver.requests[0]?.headers['webhook-id'], last);
    assert.equal(receiver.requests.length, 5);
  });

  it('leaves the breaker open as it was when that fails, and tries once for each wish', async (t) => {
    await using receiver = await openReceiver();
    const store = await openMemoryStore();
    t.after(() => store.close());
    let isRead = false;
    const topUp: Store['topUp'] = async (lanes) => {
      const found = await store.topUp(lanes);
      isRead = true;
      return found;
    };
    await using pipeline = await openPipeline({ store: { ...store, topUp } });
    receiver.answer(status(503));
    // More than memory holds: what a caller wants goes first all the same.
    const { webhook, health, ids } = await behindBreaker(pipeline, receiver.url, 700);
    await until(() => (isRead ? true : undefined));
    const wanted = [ids.at(-1)!, ids[300]!];
    for (const [i, id] of wanted.entries()) {
      assert.deepEqual(await pipeline.store.retryDeliveries([order(id)]), ['RETRIED']);
      await until(async () => ((await pipeline.delivery(id)).attemptCount === 1 ? true : undefined));
      assert.equal(receiver.requests.length, i + 1);
    }
    const other = await pipeline.register({ destination: `${receiver.url}/other` });
    await pipeline.publish(other, ['x']);
    await until(() => (receiver.requests.some(({ path }) => path === '/other') ? true : undefined));
    const sent = receiver.requests.filter(({ path }) => path === '/');
    assert.deepEqual(
      sent.map(({ headers }) => headers['webhook-id']),
      wanted,
    );
    const [stored] = await pipeline.store.getWebhooks([webhook.id]);
    assert.deepEqual(stored?.health, health);
  });

  it('sends the first of an ordered lane when a caller wants another sent again', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const { webhook, ids } = await behindBreaker(pipeline, receiver.url, 3);
    const ordered = { ...webhook.spec, limits: { ...LIMITS, ordered: true } };
    const update = { webhook: { ...webhook, spec: ordered, version: 3 }, ifVersion: 2 };
    assert.deepEqual(await pipeline.store.updateWebhooks([update]), ['UPDATED']);
    assert.deepEqual(await pipeline.store.retryDeliveries([order(ids[2]!)]), ['RETRIED']);
    await pipeline.finished(webhook);
    assert.deepEqual(
      receiver.requests.map(({ headers }) => headers['webhook-id']),
      ids,
    );
  });
});
