import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import { aDelivery, anEvent, aPublication, aRun, aWebhook, T0 } from '../../support/store.ts';
import {
  forgetVisible,
  type Harness,
  publishTo,
  register,
  settlement,
  useStore,
  waitingOf,
} from './harness.ts';

const NOTHING = { deliveries: [], events: [], topUp: [], retried: [] };
const UNCHANGED = { changed: [], overflowed: false };

export function feed(harness: Harness): void {
  describe(`${harness.name}: what becomes visible`, () => {
    const store = useStore(harness);

    test('a new delivery is polled once, as it waits', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      const waiting = await publishTo(store(), webhook, 2, { dueAt: T0 + 9 });
      const { deliveries, topUp } = await store().pollWaiting();
      assert.deepEqual(deliveries, waiting);
      assert.deepEqual(topUp, []);
      assert.deepEqual(await store().pollWaiting(), NOTHING);
    });

    test('a body at hand comes along, once for all deliveries of its event', async () => {
      const one = await register(store());
      const { namespace } = one;
      const two = await register(store(), { namespace });
      await forgetVisible(store());
      const event = anEvent({ namespace, nominalAt: T0, contentType: 'a/b', body: new Uint8Array([1, 2]) });
      await store().publish([{ ...aPublication([one.id, two.id]), event }]);
      const { deliveries, events } = await store().pollWaiting();
      assert.equal(deliveries.length, 2);
      assert.deepEqual(
        events.map(({ id, nominalAt, contentType, body }) => ({ id, nominalAt, contentType, body })),
        [{ id: event.id, nominalAt: T0, contentType: 'a/b', body: event.body }],
      );
    });

    test('what was left out of a call is not polled', async () => {
      const webhook = await register(store());
      const publication = aPublication([webhook.id]);
      const run = aRun(webhook);
      await store().publish([publication]);
      await store().fireRuns([run]);
      await forgetVisible(store());
      await store().publish([{ ...publication, deliveries: [aDelivery(webhook.id)] }]);
      await store().fireRuns([run]);
      const known = { event: run.runs[0]!.event, delivery: aDelivery(webhook.id) };
      await store().fireRuns([aRun({ ...webhook, cursor: run.to }, { runs: [known] })]);
      assert.deepEqual(await store().pollWaiting(), NOTHING);
    });

    test('a fired run is polled', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      await store().fireRuns([aRun(webhook), aRun(webhook, { version: 9 })]);
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(deliveries, await waitingOf(store(), webhook.id));
      assert.equal(deliveries.length, 1);
    });

    test('a superseded run is polled again, before the run that takes its place', async () => {
      const webhook = await register(store());
      const first = aRun(webhook);
      await store().fireRuns([first]);
      const [old] = await waitingOf(store(), webhook.id);
      await store().settle([settlement(old!, { to: 'PENDING', dueAt: T0 + 77 })], []);
      await forgetVisible(store());
      await store().fireRuns([aRun({ ...webhook, cursor: first.to }, { overlap: 'SUPERSEDE' })]);
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(deliveries, await waitingOf(store(), webhook.id));
      assert.deepEqual(deliveries[0], { ...old, dueAt: T0 + 77, attempts: 1, ending: 'SUPERSEDED' });
    });

    test('a run that is superseded before it was polled is last seen superseded', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      const first = aRun(webhook);
      await store().fireRuns([first, aRun({ ...webhook, cursor: first.to }, { overlap: 'SUPERSEDE' })]);
      const { deliveries } = await store().pollWaiting();
      const seen = deliveries.filter(({ id }) => id === first.runs[0]?.delivery.id);
      assert.equal(seen.at(-1)?.ending, 'SUPERSEDED');
    });

    test('a webhook is named when it was created, updated, removed or disabled', async () => {
      await forgetVisible(store());
      const webhook = aWebhook();
      await store().createWebhooks([webhook]);
      assert.deepEqual(await store().pollWebhooks(), { changed: [webhook.id], overflowed: false });
      assert.deepEqual(await store().pollWebhooks(), UNCHANGED);

      await store().updateWebhooks([{ webhook: { ...webhook, version: 2 }, ifVersion: 1 }]);
      assert.deepEqual((await store().pollWebhooks()).changed, [webhook.id]);

      const change = {
        webhookId: webhook.id,
        version: 2,
        health: HEALTHY,
        disable: 'GONE',
        now: T0,
      } as const;
      await store().settle([], [change]);
      assert.deepEqual((await store().pollWebhooks()).changed, [webhook.id]);

      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.deepEqual((await store().pollWebhooks()).changed, [webhook.id]);
    });

    test('a webhook is not named for what failed, fired or was written about its lane', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      await store().createWebhooks([webhook].map(({ namespace, spec }) => aWebhook({ namespace, spec })));
      await store().updateWebhooks([{ webhook, ifVersion: 9 }]);
      await store().removeWebhooks([{ id: webhook.id, now: T0, ifVersion: 9 }]);
      await store().fireRuns([aRun(webhook)]);
      const health = { failingSince: T0, trips: 1, openUntil: T0, holdUntil: null };
      await store().settle([], [{ webhookId: webhook.id, version: 2, health, now: T0 }]);
      assert.deepEqual(await store().pollWebhooks(), UNCHANGED);
    });

    test('listeners hear of a delivery before its publisher does, and of a webhook', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      const heard: string[] = [];
      const stop = store().onVisible(() => heard.push('visible'));
      await store()
        .publish([aPublication([webhook.id])])
        .then(() => heard.push('published'));
      assert.deepEqual(heard, ['visible', 'published']);
      await register(store());
      assert.equal(heard.at(-1), 'visible');
      stop();
    });

    test('when a listener hears, a poll has what it heard of', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      const polls: Promise<{ deliveries: readonly unknown[] }>[] = [];
      const stop = store().onVisible(() => polls.push(store().pollWaiting()));
      await store().publish([aPublication([webhook.id])]);
      stop();
      assert.deepEqual(
        (await Promise.all(polls)).map(({ deliveries }) => deliveries.length),
        [1],
      );
    });

    test('a listener that has stopped hears nothing, and others still do', async () => {
      const webhook = await register(store());
      const heard: string[] = [];
      const listen = (name: string) => store().onVisible(() => heard.push(name));
      const [stopFirst, stopSecond] = [listen('first'), listen('second')];
      stopFirst();
      stopFirst();
      await store().publish([aPublication([webhook.id])]);
      assert.deepEqual(heard, ['second']);
      stopSecond();
    });
  });
}
