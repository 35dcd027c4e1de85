import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Condition } from '../../../src/domain/listing/condition.ts';
import { WEBHOOK_FIELDS } from '../../../src/domain/listing/fields.ts';
import { readFilter } from '../../../src/domain/listing/filter.ts';
import { placeOfWebhook } from '../../../src/domain/listing/place.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { Part } from '../../../src/store/delivery-log.ts';
import type { WebhookQuery } from '../../../src/store/registrations.ts';
import { aWebhook, type WebhookOverrides } from '../../support/store.ts';
import { aNamespace, everyPage, type Harness, useStore } from './harness.ts';

const where = (text: string): Condition => readFilter(text, WEBHOOK_FIELDS)!;
const isBlue = where('labels.team = blue');
/** Of two labels, one with signs in its name. */
const BOTH = String.raw`labels.team = blue AND labels."a.b/\"c\"" = "it's"`;

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
      assert.deepEqual(await idsOf({ namespace, where: where('state = ACTIVE') }), [a?.id]);
      assert.deepEqual(await idsOf({ namespace, where: where('state = PAUSED') }), [b?.id]);
      assert.deepEqual(await idsOf({ namespace, where: where('state = DISABLED') }), [c?.id]);
    });

    test('only webhooks with all of the labels asked for are listed', async () => {
      const [namespace, [a, b]] = await registerAll(
        { spec: { labels: { team: 'blue', 'a.b/"c"': "it's" } } },
        { spec: { labels: { team: 'blue' } } },
        { spec: { labels: { team: 'red', other: 'blue' } } },
        {},
      );
      assert.deepEqual(await idsOf({ namespace, where: isBlue }), [a?.id, b?.id]);
      assert.deepEqual(await idsOf({ namespace, where: where(BOTH) }), [a?.id]);
      assert.deepEqual(await idsOf({ namespace, where: where('labels.team = green') }), []);
      assert.deepEqual(await idsOf({ namespace, where: where('labels.toString = blue') }), []);
    });

    test('a page of filtered webhooks is filled from beyond those left out', async () => {
      const blue = { spec: { labels: { team: 'blue' } } };
      const [namespace, [a, , , d, e]] = await registerAll(blue, {}, {}, blue, blue);
      assert.deepEqual(await idsOf({ namespace, where: isBlue, limit: 2 }), [a?.id, d?.id]);
      assert.deepEqual(await idsOf({ namespace, where: isBlue, limit: 2, after: d!.id }), [e?.id]);
    });

    test('they come by name, or the other way round, page by page', async () => {
      const named = (name: string, n: number) => ({ spec: { name, destination: `http://${n}` } });
      const [namespace, [a, b, c, d, e]] = await registerAll(
        named('m', 1),
        named('z', 2),
        named('m', 3),
        named('a b', 4),
        named('\u{1f4a5}', 5),
      );
      const byName = [d, a, c, b, e].map((webhook) => webhook!.id);
      for (const [query, expected] of [
        [{ by: 'name', descending: false }, byName],
        [{ by: 'name', descending: true }, byName.toReversed()],
        [{ by: 'id', descending: true }, [e, d, c, b, a].map((webhook) => webhook!.id)],
        [{ by: 'name', descending: true, name: 'm' }, [c!.id, a!.id]],
      ] as const) {
        const pages = await everyPage<Webhook>((last) =>
          store().listWebhooks({
            namespace,
            limit: 2,
            ...query,
            ...(last && { after: placeOfWebhook(last.id, last.spec.name, query.by) }),
          }),
        );
        assert.deepEqual(
          pages.flat().map(({ id }) => id),
          expected,
        );
      }
    });

    test('a scan looks at a bounded number, and says where to go on', async () => {
      const namespace = aNamespace();
      const webhooks = Array.from({ length: 600 }, (_, n) =>
        aWebhook({
          namespace,
          spec: { destination: `http://${n}`, ...(n === 599 && { labels: { team: 'blue' } }) },
        }),
      );
      await store().createWebhooks(webhooks);
      const found: string[] = [];
      let parts = 0;
      let looked = 0;
      for (let after: string | null | undefined; after !== null; parts++) {
        const part: Part<Webhook> = await store().scanWebhooks({
          namespace,
          limit: 5,
          where: isBlue,
          ...(after !== undefined && { after }),
        });
        found.push(...part.rows.map(({ id }) => id));
        looked += part.looked;
        assert.ok(part.looked <= 300);
        after = part.next;
      }
      assert.deepEqual([found, looked], [[webhooks[599]!.id], 600]);
      assert.ok(parts > 1);
    });

    test('filters apply together', async () => {
      const [namespace, [a]] = await registerAll(
        { state: 'PAUSED', spec: { name: 'joe', destination: 'http://a', labels: { team: 'blue' } } },
        { state: 'PAUSED', spec: { name: 'joe', destination: 'http://b' } },
        { spec: { name: 'joe', destination: 'http://c', labels: { team: 'blue' } } },
        { state: 'PAUSED', spec: { labels: { team: 'blue' } } },
      );
      const query = { namespace, name: 'joe', where: where('state = PAUSED AND labels.team = blue') };
      assert.deepEqual(await idsOf(query), [a?.id]);
    });
  });
}
