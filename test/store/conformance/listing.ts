import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { WebhookQuery } from '../../../src/store/registrations.ts';
import { aWebhook, type WebhookOverrides } from '../../support/store.ts';
import { aNamespace, type Harness, useStore } from './harness.ts';

export function listing(harness: Harness): void {
  describe(`${harness.name}: listing webhooks`, () => {
    const store = useStore(harness);

    /** Stores these webhooks in one namespace, last first, and returns them by id ascending. */
    async function registerAll(
      ...each: WebhookOverrides[]
    ): Promise<[namespace: string, webhooks: Webhook[]]> {
      const namespace = aNamespace();
      const webhooks = each.map((overrides) => aWebhook({ namespace, ...overrides }));
      await store().createWebhooks(webhooks.toReversed());
      return [namespace, webhooks];
    }

    async function idsOf(query: Omit<WebhookQuery, 'limit'> & { limit?: number }): Promise<string[]> {
      return (await store().listWebhooks({ limit: 100, ...query })).map(({ id }) => id);
    }

    test('webhooks of one namespace come by id ascending', async () => {
      const [namespace, webhooks] = await registerAll({}, {}, {});
      await registerAll({});
      assert.deepEqual(await store().listWebhooks({ namespace, limit: 100 }), webhooks);
    });

    test('a page has at most the limit, and the next starts after its last', async () => {
      const [namespace, [a, b, c]] = await registerAll({}, {}, {});
      assert.deepEqual(await idsOf({ namespace, limit: 2 }), [a?.id, b?.id]);
      assert.deepEqual(await idsOf({ namespace, limit: 2, after: b!.id }), [c?.id]);
      assert.deepEqual(await idsOf({ namespace, limit: 2, after: c!.id }), []);
    });

    test('only webhooks of the name asked for are listed', async () => {
      const to = (destination: string) => ({ spec: { name: 'joe', destination } });
      const [namespace, [a, , c, d]] = await registerAll(to('http://a'), {}, to('http://c'), to('http://d'));
      assert.deepEqual(await idsOf({ namespace, name: 'joe' }), [a?.id, c?.id, d?.id]);
      assert.deepEqual(await idsOf({ namespace, name: 'joe', after: a!.id, limit: 1 }), [c?.id]);
      assert.deepEqual(await idsOf({ namespace, name: 'jo' }), []);
    });

    test('only webhooks in the state asked for are listed', async () => {
      const [namespace, [a, b, c]] = await registerAll(
        {},
        { state: 'PAUSED' },
        { state: 'DISABLED', stateReason: 'GONE' },
      );
      assert.deepEqual(await idsOf({ namespace, state: 'ACTIVE' }), [a?.id]);
      assert.deepEqual(await idsOf({ namespace, state: 'PAUSED' }), [b?.id]);
      assert.deepEqual(await idsOf({ namespace, state: 'DISABLED' }), [c?.id]);
    });

    test('only webhooks with all of the labels asked for are listed', async () => {
      const [namespace, [a, b]] = await registerAll(
        { spec: { labels: { team: 'blue', 'a.b/"c"': "it's" } } },
        { spec: { labels: { team: 'blue' } } },
        { spec: { labels: { team: 'red', other: 'blue' } } },
        {},
      );
      assert.deepEqual(await idsOf({ namespace, labels: { team: 'blue' } }), [a?.id, b?.id]);
      assert.deepEqual(await idsOf({ namespace, labels: { team: 'blue', 'a.b/"c"': "it's" } }), [a?.id]);
      assert.deepEqual(await idsOf({ namespace, labels: { team: 'green' } }), []);
      assert.deepEqual(await idsOf({ namespace, labels: { toString: 'blue' } }), []);
    });

    test('a page of filtered webhooks is filled from beyond those left out', async () => {
      const blue = { spec: { labels: { team: 'blue' } } };
      const [namespace, [a, , , d, e]] = await registerAll(blue, {}, {}, blue, blue);
      assert.deepEqual(await idsOf({ namespace, labels: { team: 'blue' }, limit: 2 }), [a?.id, d?.id]);
      assert.deepEqual(await idsOf({ namespace, labels: { team: 'blue' }, limit: 2, after: d!.id }), [e?.id]);
    });

    test('filters apply together', async () => {
      const [namespace, [a]] = await registerAll(
        { state: 'PAUSED', spec: { name: 'joe', destination: 'http://a', labels: { team: 'blue' } } },
        { state: 'PAUSED', spec: { name: 'joe', destination: 'http://b' } },
        { spec: { name: 'joe', destination: 'http://c', labels: { team: 'blue' } } },
        { state: 'PAUSED', spec: { labels: { team: 'blue' } } },
      );
      const query = { namespace, name: 'joe', state: 'PAUSED', labels: { team: 'blue' } } as const;
      assert.deepEqual(await idsOf(query), [a?.id]);
    });
  });
}
