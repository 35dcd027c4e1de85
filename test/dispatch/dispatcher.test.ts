import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { verify } from '../../src/domain/webhook/signature.ts';
import type { Store } from '../../src/store/store.ts';
import { settableClock } from '../support/clock.ts';
import { LIMITS, openPipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { endless, gone, hang, openReceiver, redirect, reset, status, tooMany } from '../support/receiver.ts';
import { openMemoryStore } from '../support/store.ts';

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

describe('the dispatcher', () => {
  it('sends what was published, signed, and records what came of it', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(201, { body: 'thanks' }));
    const webhook = await pipeline.register({
      destination: `${receiver.url}/hook`,
      headers: { 'x-team': 'a' },
    });
    const [id] = await pipeline.publish(webhook, ['hello']);
    const [request] = await receiver.received(1);
    assert.equal(request!.method, 'POST');
    assert.equal(request!.path, '/hook');
    assert.equal(request!.body.toString(), 'hello');
    assert.equal(request!.headers['webhook-id'], id);
    assert.equal(request!.headers['x-team'], 'a');
    assert.equal(request!.headers['carillon-attempt'], '1');
    const { headers, body } = request!;
    assert.equal(verify({ secrets: [pipeline.secret], headers, body, now: systemClock.now() }), 'valid');

    const [delivery] = await pipeline.finished(webhook);
    assert.equal(delivery!.state, 'SUCCEEDED');
    const { attempts } = await pipeline.delivery(id!);
    assert.equal(attempts.length, 1);
    const { outcome } = attempts[0]!;
    assert.ok(outcome.kind === 'answered' && outcome.status === 201);
    assert.equal(Buffer.from(outcome.body).toString(), 'thanks');
  });

  it('logs one line for an attempt, with the words of the article', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url });
    const [id] = await pipeline.publish(webhook, ['x']);
    await pipeline.finished(webhook);
    const lines = pipeline.lines.filter(({ fields }) => fields.deliveryId === id);
    assert.deepEqual(
      lines.map(({ message }) => message),
      [`Webhook to '${receiver.url}' dispatched, response code: 200`],
    );
    assert.equal(lines[0]!.fields.status, 200);
  });

  it('retries with the same id and the same bytes until it succeeds', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(500), reset(), redirect('/elsewhere'), status(503));
    const webhook = await pipeline.register({ destination: receiver.url });
    const [id] = await pipeline.publish(webhook, ['same bytes']);
    const requests = await receiver.received(5);
    assert.deepEqual(
      requests.map(({ headers }) => headers['webhook-id']),
      Array(5).fill(id),
    );
    assert.deepEqual(
      requests.map(({ headers }) => headers['carillon-attempt']),
      ['1', '2', '3', '4', '5'],
    );
    assert.deepEqual(
      requests.map(({ body }) => body.toString()),
      Array(5).fill('same bytes'),
    );
    await pipeline.finished(webhook);
    const { state, attempts } = await pipeline.delivery(id!);
    assert.equal(state, 'SUCCEEDED');
    assert.deepEqual(
      attempts.map(({ outcome }) => (outcome.kind === 'answered' ? outcome.status : outcome.errorClass)),
      [500, 'RESET', 302, 503, 200],
    );
  });

  it('gives up when the attempts are used up', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(500));
    const webhook = await pipeline.register({
      destination: receiver.url,
      retryPolicy: { ...QUICK_RETRIES, maxAttempts: 3 },
    });
    await pipeline.publish(webhook, ['x']);
    const [delivery] = await pipeline.finished(webhook);
    assert.deepEqual([delivery!.state, delivery!.reason, delivery!.attemptCount], ['FAILED', 'EXHAUSTED', 3]);
    assert.equal(receiver.requests.length, 3);
  });

  it('takes a destination that never answers for a failure', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(hang());
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 2 };
    const webhook = await pipeline.register({ destination: receiver.url, timeoutMs: 150, retryPolicy });
    const [id] = await pipeline.publish(webhook, ['x']);
    const [delivery] = await pipeline.finished(webhook);
    assert.equal(delivery!.state, 'FAILED');
    const { attempts } = await pipeline.delivery(id!);
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome.kind === 'failed' && outcome.errorClass),
      ['TIMEOUT', 'TIMEOUT'],
    );
  });

  it('takes a 200 for a success although its body never ends, and does not send it again', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(endless());
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 3 };
    const webhook = await pipeline.register({ destination: receiver.url, timeoutMs: 150, retryPolicy });
    await pipeline.publish(webhook, ['x']);
    const [delivery] = await pipeline.finished(webhook);
    assert.deepEqual(
      [delivery!.state, delivery!.lastStatus, receiver.requests.length],
      ['SUCCEEDED', 200, 1],
    );
  });

  it('disables a webhook that answers 410, fails that delivery, and keeps the others waiting', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(gone());
    const limits = { ...LIMITS, ordered: true };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    const [first, second] = await pipeline.publish(webhook, ['1', '2']);
    await until(async () => {
      const [stored] = await pipeline.store.getWebhooks([webhook.id]);
      return stored?.state === 'DISABLED' && stored.stateReason === 'GONE' ? true : undefined;
    });
    const failed = await pipeline.delivery(first!);
    assert.deepEqual([failed.state, failed.reason], ['FAILED', 'GONE']);
    assert.equal((await pipeline.delivery(second!)).state, 'PENDING');
    assert.equal(receiver.requests.length, 1);
  });

  it('disables a webhook that has failed for too long', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ settings: { disableAfterMs: 30 } });
    receiver.answer(status(404));
    const webhook = await pipeline.register({ destination: receiver.url });
    await pipeline.publish(webhook, ['x']);
    await until(async () => {
      const [stored] = await pipeline.store.getWebhooks([webhook.id]);
      return stored?.state === 'DISABLED' && stored.stateReason === 'FAILING' ? true : undefined;
    });
  });

  it('leaves a destination alone for as long as it asked, the whole lane', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(tooMany(1));
    const limits = { ...LIMITS, concurrency: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    const ids = await pipeline.publish(webhook, ['1', '2', '3']);
    await receiver.received(4);
    await pipeline.finished(webhook);
    const details = await Promise.all(ids.map((id) => pipeline.delivery(id)));
    const starts = details.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome.startedAt));
    const [refused, ...accepted] = starts.toSorted((a, b) => a - b);
    assert.equal(accepted.length, 3);
    for (const at of accepted) assert.ok(at - refused! >= 1_000);
  });

  it('sends one at a time and in order of arrival where order was asked for, a retry holding the rest', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const limits = { ...LIMITS, ordered: true };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    receiver.script(status(200), status(500), status(500));
    await pipeline.publish(webhook, numbers(40));
    await pipeline.publish(webhook, numbers(80).slice(40));
    await pipeline.finished(webhook);
    const expected = ['0', '1', '1', '1', ...numbers(80).slice(2)];
    assert.deepEqual(
      receiver.requests.map(({ body }) => body.toString()),
      expected,
    );
  });

  it('keeps the order of a lane that is longer than memory', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const limits = { ...LIMITS, ordered: true };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    for (let i = 0; i < 12; i++)
      await pipeline.publish(webhook, numbers(1_200).slice(i * 100, i * 100 + 100));
    await receiver.received(1_200, 30_000);
    assert.deepEqual(
      receiver.requests.map(({ body }) => body.toString()),
      numbers(1_200),
    );
  });

  it('delivers everything exactly once when nothing fails, however much more waits than memory holds', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ storeOptions: { visibleRowsMax: 100 } });
    const webhook = await pipeline.register({ destination: receiver.url });
    await Promise.all(
      numbers(30).map((block) =>
        pipeline.publish(
          webhook,
          numbers(100).map((i) => `${block}/${i}`),
        ),
      ),
    );
    await receiver.received(3_000, 30_000);
    assert.equal(new Set(receiver.requests.map(({ body }) => body.toString())).size, 3_000);
    await pipeline.finished(webhook);
    assert.equal(receiver.requests.length, 3_000);
  });

  it('never exceeds the concurrency of a lane, nor that of an origin over several lanes', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ settings: { originInFlightMax: 5 } });
    let open = 0;
    let most = 0;
    const busiest = new Map<string, number>();
    const openBy = new Map<string, number>();
    receiver.answer(({ request, response, after }) => {
      most = Math.max(most, ++open);
      const lane = request.path;
      const own = (openBy.get(lane) ?? 0) + 1;
      openBy.set(lane, own);
      busiest.set(lane, Math.max(busiest.get(lane) ?? 0, own));
      after(5, () => {
        open--;
        openBy.set(lane, openBy.get(lane)! - 1);
        response.end();
      });
    });
    const limits = { ...LIMITS, concurrency: 3 };
    const webhooks = [];
    for (const path of ['/a', '/b', '/c', '/d'])
      webhooks.push(await pipeline.register({ destination: receiver.url + path, limits }));
    await Promise.all(webhooks.map((webhook) => pipeline.publish(webhook, numbers(50))));
    await receiver.received(200);
    assert.equal(most, 5);
    for (const own of busiest.values()) assert.ok(own <= 3);
  });

  it('keeps to the rate limit', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const arrivals: number[] = [];
    receiver.answer(({ response }) => {
      arrivals.push(systemClock.monotonic());
      response.end();
    });
    const limits = { ...LIMITS, rate: { perSecond: 50, burst: 2 } };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    await pipeline.publish(webhook, numbers(20));
    await receiver.received(20);
    // Arrivals can bunch up on the way, but not by more than the time they took in all.
    assert.ok(arrivals.at(-1)! - arrivals[0]! >= ((20 - 2 - 1) * 1000) / 50 - 50);
  });

  it('lets a good destination have its turn beside one with thousands waiting', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ settings: { inFlightMax: 8 } });
    receiver.answer(({ response, after }) => after(2, () => response.end()));
    const flooded = await pipeline.register({ destination: `${receiver.url}/flooded` });
    const good = await pipeline.register({ destination: `${receiver.url}/good` });
    for (let i = 0; i < 4; i++) await pipeline.publish(flooded, numbers(500));
    await receiver.received(50);
    await pipeline.publish(good, ['x']);
    await until(() => (receiver.requests.some(({ path }) => path === '/good') ? true : undefined));
    assert.ok(receiver.requests.length < 1_500, `it waited for ${receiver.requests.length} others`);
  });

  it('sends at once what arrives behind hundreds of retries, and sleeps until those are due', async (t) => {
    await using receiver = await openReceiver();
    const store = await openMemoryStore();
    let polls = 0;
    const pollWaiting = (): ReturnType<Store['pollWaiting']> => {
      polls++;
      return store.pollWaiting();
    };
    const pipeline = await openPipeline({ store: { ...store, pollWaiting } });
    t.after(async () => {
      await pipeline.stop(0);
      await store.close();
    });
    receiver.answer(status(404));
    const retryPolicy = { ...QUICK_RETRIES, delaysMs: [50_000] };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    await pipeline.publish(webhook, numbers(600));
    const query = { namespace: webhook.namespace, webhookId: webhook.id, limit: 600 };
    await until(async () => {
      const deliveries = await store.listDeliveries(query);
      return deliveries.every(({ attemptCount }) => attemptCount === 1) ? true : undefined;
    });
    await pipeline.publish(webhook, ['new']);
    const requests = await receiver.received(601);
    assert.equal(requests[600]?.body.toString(), 'new');
    const before = polls;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(polls - before < 50, `${polls - before} polls while there was nothing to do`);
  });

  it('opens the breaker for a destination that is down, and sends what waited once a probe succeeds', async () => {
    await using receiver = await openReceiver();
    const { port } = receiver;
    const clock = settableClock();
    await using pipeline = await openPipeline({ clock });
    const limits = { ...LIMITS, concurrency: 1 };
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 100 };
    const webhook = await pipeline.register({ destination: `http://127.0.0.1:${port}`, limits, retryPolicy });
    receiver.answer(status(503));
    await pipeline.publish(webhook, numbers(3));
    const opened = await until(async () => {
      const [stored] = await pipeline.store.getWebhooks([webhook.id]);
      return stored?.health.openUntil === null ? undefined : stored?.health;
    });
    assert.equal(opened.trips, 1);
    const before = receiver.requests.length;
    receiver.answer(status(200));
    clock.advance(10_000);
    await pipeline.finished(webhook);
    assert.equal(before, 5);
    assert.equal(receiver.requests.length, 8);
    const [recovered] = await pipeline.store.getWebhooks([webhook.id]);
    assert.deepEqual(recovered!.health, { failingSince: null, trips: 0, openUntil: null, holdUntil: null });
  });

  it('reads a lane once that the breaker keeps from moving for minutes, and not again and again', async (t) => {
    await using receiver = await openReceiver();
    const store = await openMemoryStore();
    t.after(() => store.close());
    let reads = 0;
    const topUp: Store['topUp'] = (lanes) => {
      reads++;
      return store.topUp(lanes);
    };
    await using pipeline = await openPipeline({ store: { ...store, topUp } });
    const webhook = await pipeline.register({ destination: receiver.url });
    const now = systemClock.now();
    const health = { failingSince: now, trips: 7, openUntil: now + 5 * 60_000, holdUntil: null };
    const update = { webhook: { ...webhook, health, version: 2 }, ifVersion: 1, resetHealth: true };
    assert.deepEqual(await store.updateWebhooks([update]), ['UPDATED']);
    await pipeline.publish(webhook, numbers(3));
    await until(() => (reads > 0 ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(reads < 5, `${reads} reads while the lane could not move`);
    assert.equal(receiver.requests.length, 0);
  });

  it('closes the breaker when the webhook is resumed, and not when it is changed otherwise', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const { store } = pipeline;
    const webhook = await pipeline.register({ destination: receiver.url });
    const now = systemClock.now();
    const health = { failingSince: now, trips: 9, openUntil: now + 3_600_000, holdUntil: null };
    const failing = { ...webhook, health, version: 2 };
    await store.updateWebhooks([{ webhook: failing, ifVersion: 1, resetHealth: true }]);
    await pipeline.publish(webhook, numbers(3));
    await store.updateWebhooks([{ webhook: { ...failing, version: 3 }, ifVersion: 2 }]);
    const other = await pipeline.register({ destination: `${receiver.url}/other` });
    await pipeline.publish(other, ['x']);
    await pipeline.finished(other);
    assert.equal(receiver.requests.length, 1);
    const resumed = { webhook: { ...webhook, version: 4 }, ifVersion: 3, resetHealth: true };
    assert.deepEqual(await store.updateWebhooks([resumed]), ['UPDATED']);
    await pipeline.finished(webhook);
    assert.equal(receiver.requests.length, 4);
  });

  it('sends nothing while a webhook is paused, and everything when it goes on', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url });
    const paused = { ...webhook, state: 'PAUSED' as const, version: 2 };
    assert.deepEqual(await pipeline.store.updateWebhooks([{ webhook: paused, ifVersion: 1 }]), ['UPDATED']);
    const ids = await pipeline.publish(webhook, numbers(5));
    const other = await pipeline.register({ destination: `${receiver.url}/other` });
    await pipeline.publish(other, ['x']);
    await pipeline.finished(other);
    assert.equal((await pipeline.delivery(ids[0]!)).state, 'PENDING');
    const resumed = { ...webhook, version: 3 };
    assert.deepEqual(await pipeline.store.updateWebhooks([{ webhook: resumed, ifVersion: 2 }]), ['UPDATED']);
    await pipeline.finished(webhook);
    assert.equal(receiver.requests.length, 6);
  });

  it('stops at once when a webhook is removed, and its waiting deliveries are cancelled', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(500));
    const webhook = await pipeline.register({ destination: receiver.url });
    await pipeline.publish(webhook, numbers(3));
    await receiver.received(3);
    await pipeline.store.removeWebhooks([{ id: webhook.id, now: systemClock.now() }]);
    const deliveries = await pipeline.finished(webhook);
    for (const { state, reason } of deliveries) assert.deepEqual([state, reason], ['CANCELLED', 'REMOVED']);
  });

  it('sends what was in flight again, with the same id, when it is started after a crash', async () => {
    await using receiver = await openReceiver();
    receiver.answer(hang());
    await using crashed = await openPipeline();
    const webhook = await crashed.register({ destination: receiver.url, timeoutMs: 60_000 });
    const ids = await crashed.publish(webhook, numbers(3));
    await receiver.received(3);
    await crashed.dispatcher.drain(0);

    receiver.answer(status(200));
    await using restarted = await openPipeline({ store: crashed.store });
    await receiver.received(6);
    const deliveries = await restarted.finished(webhook);
    assert.deepEqual(
      deliveries.map(({ state, attemptCount }) => [state, attemptCount]),
      Array(3).fill(['SUCCEEDED', 1]),
    );
    const again = receiver.requests.slice(3).map(({ headers }) => headers['webhook-id']);
    assert.deepEqual(again.toSorted(), ids.toSorted());
  });

  it('keeps the order of an ordered lane when something arrives before a start has listed what waited', async (t) => {
    await using receiver = await openReceiver();
    receiver.answer(hang());
    const store = await openMemoryStore();
    t.after(() => store.close());
    const crashed = await openPipeline({ store });
    const limits = { ...LIMITS, ordered: true };
    const webhook = await crashed.register({ destination: receiver.url, timeoutMs: 60_000, limits });
    await crashed.publish(webhook, ['1', '2']);
    await receiver.received(1);
    await crashed.stop(0);

    receiver.answer(status(200));
    const listing = Promise.withResolvers<void>();
    const waitingLanes: Store['waitingLanes'] = async (query) => {
      await listing.promise;
      return store.waitingLanes(query);
    };
    await using restarted = await openPipeline({ store: { ...store, waitingLanes } });
    // As the scheduler does, before it fires.
    await restarted.directory.load([webhook.id]);
    await restarted.publish(webhook, ['3']);
    await receiver.received(2);
    listing.resolve();
    await restarted.finished(webhook);
    assert.deepEqual(
      receiver.requests.map(({ body }) => body.toString()),
      ['1', '1', '2', '3'],
    );
  });

  it('waits for what is in flight when it is drained, and sends nothing more', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(({ response, after }) => after(100, () => response.end()));
    const limits = { ...LIMITS, concurrency: 2 };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    await pipeline.publish(webhook, numbers(10));
    await receiver.received(2);
    await pipeline.dispatcher.drain(5_000);
    const { namespace, id: webhookId } = webhook;
    const deliveries = await pipeline.store.listDeliveries({ namespace, webhookId, limit: 20 });
    assert.equal(deliveries.filter(({ state }) => state === 'SUCCEEDED').length, 2);
    assert.equal(deliveries.filter(({ state }) => state === 'PENDING').length, 8);
    assert.equal(receiver.requests.length, 2);
  });
});
