import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { aPublication, aRun, aSpec, aWebhook, T0 } from '../../support/store.ts';
import { aNamespace, type Harness, register, useStore } from './harness.ts';

export function matching(harness: Harness): void {
  describe(`${harness.name}: which webhooks an event rings`, () => {
    const store = useStore(harness);

    async function match(namespace: string, type: string): Promise<string[]> {
      const [found] = await store().matchWebhooks([{ namespace, type }]);
      return found!;
    }

    /** Registers webhooks with these event types in one namespace. */
    async function subscribed(...each: string[][]): Promise<{ namespace: string; ids: string[] }> {
      const namespace = aNamespace();
      const ids: string[] = [];
      for (const eventTypes of each) {
        ids.push((await register(store(), { namespace, spec: { eventTypes } })).id);
      }
      return { namespace, ids };
    }

    for (const [pattern, type, matches] of [
      ['order.paid', 'order.paid', true],
      ['order.paid', 'order.paid.twice', false],
      ['order.paid', 'order', false],
      ['order.paid', 'ORDER.PAID', false],
      ['order.*', 'order.paid', true],
      ['order.*', 'order.paid.twice', true],
      ['order.*', 'order', false],
      ['order.*', 'orders.paid', false],
      ['order.paid.*', 'order.paid.twice', true],
      ['order.paid.*', 'order.paid', false],
      ['*', 'order.paid', true],
      ['*', 'x', true],
      ['a%b_c', 'a1b2c', false],
    ] as const) {
      test(`${pattern} ${matches ? 'matches' : 'does not match'} ${type}`, async () => {
        const { namespace, ids } = await subscribed([pattern]);
        assert.deepEqual(await match(namespace, type), matches ? ids : []);
      });
    }

    test('a webhook is found once by any of its types, and one without types by none', async () => {
      const { namespace, ids } = await subscribed(['a.b', 'a.*', '*'], [], ['a.b.c', 'x.*']);
      const [all, , few] = ids;
      assert.deepEqual(await match(namespace, 'a.b'), [all]);
      assert.deepEqual(await match(namespace, 'a.b.c'), [all, few]);
      assert.deepEqual(await match(namespace, 'y'), [all]);
    });

    test('webhooks are found by id ascending, whatever pattern finds them', async () => {
      const { namespace, ids } = await subscribed(['*'], ['a.b'], ['a.*'], ['a.b']);
      const early = aWebhook({
        namespace,
        id: 'wh_00000000000000000000000000',
        spec: { eventTypes: ['a.*'] },
      });
      await store().createWebhooks([early]);
      assert.deepEqual(await match(namespace, 'a.b'), [early.id, ...ids]);
    });

    test('a webhook of another namespace is not found', async () => {
      const { namespace, ids } = await subscribed(['a']);
      await subscribed(['a'], ['*']);
      assert.deepEqual(await match(namespace, 'a'), ids);
      assert.deepEqual(await match(aNamespace(), 'a'), []);
    });

    test('questions are answered in their order', async () => {
      const { namespace, ids } = await subscribed(['a'], ['b']);
      const questions = ['b', 'c', 'a', 'b'].map((type) => ({ namespace, type }));
      const [a, b] = ids;
      assert.deepEqual(await store().matchWebhooks(questions), [[b], [], [a], [b]]);
      assert.deepEqual(await store().matchWebhooks([]), []);
    });

    for (const [state, stateReason] of [
      ['PAUSED', undefined],
      ['DISABLED', 'GONE'],
    ] as const) {
      test(`a webhook that is ${state} is found`, async () => {
        const spec = { eventTypes: ['a'] };
        const webhook = await register(store(), { state, ...(stateReason && { stateReason }), spec });
        assert.deepEqual(await match(webhook.namespace, 'a'), [webhook.id]);
      });
    }

    test('a webhook is found by the types that it was last given', async () => {
      const webhook = await register(store(), { spec: { eventTypes: ['a', 'b'] } });
      const spec = { ...webhook.spec, eventTypes: ['b', 'c'] };
      await store().updateWebhooks([{ webhook: { ...webhook, spec, version: 2 }, ifVersion: 1 }]);
      assert.deepEqual(await match(webhook.namespace, 'a'), []);
      assert.deepEqual(await match(webhook.namespace, 'b'), [webhook.id]);
      assert.deepEqual(await match(webhook.namespace, 'c'), [webhook.id]);
    });

    test('an update that fails changes no types', async () => {
      const webhook = await register(store(), { spec: { eventTypes: ['a'] } });
      const { namespace } = webhook;
      const other = await register(store(), { namespace });
      const spec = { ...webhook.spec, eventTypes: ['b'] };
      await store().updateWebhooks([{ webhook: { ...webhook, spec, version: 2 }, ifVersion: 9 }]);
      const taken = { ...other.spec, eventTypes: ['b'] };
      assert.deepEqual(
        await store().updateWebhooks([{ webhook: { ...webhook, spec: taken, version: 2 }, ifVersion: 1 }]),
        ['EXISTS'],
      );
      assert.deepEqual(await match(namespace, 'a'), [webhook.id]);
      assert.deepEqual(await match(namespace, 'b'), []);
    });

    test('a webhook that was refused, and one that was removed, is not found', async () => {
      const webhook = await register(store(), { spec: { eventTypes: ['a'] } });
      const { namespace, spec } = webhook;
      const twin = aWebhook({ namespace, spec: { ...spec, eventTypes: ['a', 'b'] } });
      assert.deepEqual(await store().createWebhooks([twin]), ['EXISTS']);
      assert.deepEqual(await match(namespace, 'b'), []);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.deepEqual(await match(namespace, 'a'), []);
    });
  });

  describe(`${harness.name}: the number that tells of changed webhooks`, () => {
    const store = useStore(harness);

    /** Whether it grew by the time that the promise resolved. */
    async function grows(change: Promise<unknown>): Promise<boolean> {
      const before = store().webhookEpoch()!;
      await change;
      return store().webhookEpoch()! > before;
    }

    test('it grows before whoever made, changed or removed a webhook is told', async () => {
      const webhook = aWebhook({ namespace: aNamespace() });
      const { id } = webhook;
      assert.ok(await grows(store().createWebhooks([webhook])), 'made');
      const update = { webhook: { ...webhook, version: 2 }, ifVersion: 1 };
      assert.ok(await grows(store().updateWebhooks([update])), 'changed');
      const disabling = { webhookId: id, version: 2, health: HEALTHY, disable: 'GONE', now: T0 } as const;
      assert.ok(await grows(store().settle([], [disabling])), 'disabled');
      assert.ok(await grows(store().removeWebhooks([{ id, now: T0 }])), 'removed');
    });

    test('it stays when nothing has changed', async () => {
      const webhook = await register(store());
      const twin: Webhook = aWebhook({ namespace: webhook.namespace, spec: aSpec(webhook.spec) });
      assert.ok(!(await grows(store().createWebhooks([twin]))), 'refused');
      assert.ok(!(await grows(store().updateWebhooks([{ webhook, ifVersion: 9 }]))), 'stale');
      assert.ok(!(await grows(store().removeWebhooks([{ id: twin.id, now: T0 }]))), 'unknown');
      assert.ok(!(await grows(store().publish([aPublication([webhook.id])]))), 'published');
      assert.ok(!(await grows(store().fireRuns([aRun(webhook)]))), 'fired');
    });
  });

  describe(`${harness.name}: events that filters failed on`, () => {
    const store = useStore(harness);
    const failures = async (id: string) => (await store().getWebhooks([id]))[0]?.filterFailures;

    test('they are counted for each webhook, and change nothing else of it', async () => {
      const [one, two] = [await register(store()), await register(store())];
      const filterFailures = [one.id, two.id];
      await store().publish([
        aPublication([], { filterFailures }),
        aPublication([two.id], { filterFailures }),
      ]);
      assert.deepEqual(await store().getWebhooks(filterFailures), [
        { ...one, filterFailures: 2 },
        { ...two, filterFailures: 2 },
      ]);
    });

    test('they are counted whatever becomes of the event', async () => {
      const { id, namespace } = await register(store());
      const event = { namespace, callerId: 'a' };
      const filterFailures = [id];
      const publish = (digest: string) =>
        store().publish([aPublication([], { event, filterFailures, remember: { digest, until: T0 + 1 } })]);
      const kinds = [await publish('a'), await publish('a'), await publish('b')].map(
        ([result]) => result?.kind,
      );
      assert.deepEqual(kinds, ['PUBLISHED', 'DUPLICATE', 'CONFLICT']);
      assert.equal(await failures(id), 3);
    });

    test('an update keeps what was counted meanwhile', async () => {
      const webhook = await register(store());
      await store().publish([aPublication([], { filterFailures: [webhook.id] })]);
      await store().updateWebhooks([{ webhook: { ...webhook, version: 2 }, ifVersion: 1 }]);
      assert.equal(await failures(webhook.id), 1);
    });

    test("those of a webhook that is gone are nobody's", async () => {
      const { id } = aWebhook();
      assert.deepEqual(await store().publish([aPublication([], { filterFailures: [id] })]), [
        { kind: 'PUBLISHED', deliveries: 0 },
      ]);
    });
  });
}
