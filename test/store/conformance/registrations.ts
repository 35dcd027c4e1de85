import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Payload } from '../../../src/domain/webhook/payload.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { aSecret, aWebhook, T0, testId } from '../../support/store.ts';
import { aNamespace, type Harness, register, useStore } from './harness.ts';

/** A webhook in which nothing is left at its default. */
function aFullWebhook(payload: Payload): Webhook {
  return aWebhook({
    namespace: aNamespace(),
    secrets: [
      aSecret({ sealed: new Uint8Array([0, 255, 128]) }),
      aSecret({ sealed: new Uint8Array(), expiresAt: T0 + 1 }),
    ],
    state: 'DISABLED',
    stateReason: 'FAILING',
    cursor: { anchorAt: T0, nominalAt: null, dueAt: null, fired: 3, skipped: 4 },
    health: { failingSince: T0 + 1, trips: 2, openUntil: T0 + 3, holdUntil: null },
    createdAt: T0 + 4,
    updatedAt: T0 + 5,
    version: 6,
    spec: {
      name: 'joe "the" café \u0000 😀',
      destination: 'https://example.com/ü?a=b',
      schedule: {
        when: {
          kind: 'cron',
          expression: '0 0 * * *',
          timeZone: 'Europe/Berlin',
          dstGap: 'SKIP',
          dstOverlap: 'BOTH',
        },
        startAt: T0,
        endAt: T0 + 1,
        maxRuns: 7,
        jitterMs: 8,
        misfire: 'FIRE_ALL',
        catchupMs: 9,
        overlap: 'ALLOW',
      },
      payload,
      headers: { 'x-one': '1', 'x-two': 'two' },
      timeoutMs: 1234,
      retryPolicy: { maxAttempts: 2, delaysMs: [1, 2], jitter: 0.25, clientErrors: 'FAIL' },
      limits: { concurrency: 2, rate: { perSecond: 0.5, burst: 3 }, ordered: true },
      labels: { team: 'a"b', 'x.y': "it's", '': 'empty' },
    },
  });
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);
const REST = { eventFormat: 'ENVELOPE', headerTemplates: {} } as const;
const PAYLOADS: Record<string, Payload> = {
  data: { body: { kind: 'data', data: ALL_BYTES }, contentType: 'application/octet-stream', ...REST },
  'no data': { body: { kind: 'data', data: new Uint8Array() }, contentType: 'a/b', ...REST },
  text: { body: { kind: 'text', text: 'Grüße\n{"base64":"AA=="}' }, contentType: 'text/plain', ...REST },
  'a template': {
    body: { kind: 'template', source: '{{ webhook.name }}' },
    contentType: 'application/json',
    eventFormat: 'CLOUDEVENTS_BINARY',
    headerTemplates: { 'x-type': '{{ event.type }}' },
  },
  'its events as they are': { contentType: 'a/b', eventFormat: 'RAW', headerTemplates: {} },
};

export function registrations(harness: Harness): void {
  describe(`${harness.name}: registrations`, () => {
    const store = useStore(harness);

    for (const [name, payload] of Object.entries(PAYLOADS)) {
      test(`a webhook that sends ${name} is read as it was written`, async () => {
        const webhook = aFullWebhook(payload);
        assert.deepEqual(await store().createWebhooks([webhook]), ['CREATED']);
        assert.deepEqual(await store().getWebhooks([webhook.id]), [webhook]);
      });
    }

    test('a webhook with nothing optional is read as it was written', async () => {
      const webhook = await register(store());
      assert.deepEqual(await store().getWebhooks([webhook.id]), [webhook]);
    });

    test('webhooks are found by their ids in the order asked for, and unknown ids leave a gap', async () => {
      const [one, two] = [await register(store()), await register(store())];
      const found = await store().getWebhooks([two.id, testId('webhook'), one.id, two.id]);
      assert.deepEqual(
        found.map((webhook) => webhook?.id),
        [two.id, undefined, one.id, two.id],
      );
    });

    test('a key that a stored webhook has is not given again, and the others are created', async () => {
      const taken = await register(store());
      const same = aWebhook({ namespace: taken.namespace, spec: taken.spec });
      const other = aWebhook({ namespace: taken.namespace });
      assert.deepEqual(await store().createWebhooks([same, other]), ['EXISTS', 'CREATED']);
      assert.deepEqual(await store().getWebhooks([same.id, other.id]), [undefined, other]);
    });

    test('a key that an earlier webhook of the batch has is not given again', async () => {
      const first = aWebhook({ namespace: aNamespace() });
      const second = aWebhook({ namespace: first.namespace, spec: first.spec });
      assert.deepEqual(await store().createWebhooks([first, second]), ['CREATED', 'EXISTS']);
    });

    test('one name may have many destinations, and one destination many names and namespaces', async () => {
      const { namespace, spec } = await register(store());
      const batch = [
        aWebhook({ namespace, spec: { ...spec, destination: `${spec.destination}/2` } }),
        aWebhook({ namespace, spec: { ...spec, name: `${spec.name}-2` } }),
        aWebhook({ namespace: aNamespace(), spec }),
      ];
      assert.deepEqual(await store().createWebhooks(batch), ['CREATED', 'CREATED', 'CREATED']);
    });

    test('a webhook is found by exactly its key', async () => {
      const webhook = await register(store());
      const { namespace, spec } = webhook;
      const key = { namespace, name: spec.name, destination: spec.destination };
      assert.deepEqual(await store().findWebhook(key), webhook);
      assert.equal(await store().findWebhook({ ...key, name: spec.name.toUpperCase() }), undefined);
      assert.equal(await store().findWebhook({ ...key, destination: `${spec.destination}/` }), undefined);
      assert.equal(await store().findWebhook({ ...key, namespace: aNamespace() }), undefined);
    });

    test('webhooks whose destinations are not verified are told from the others, of all namespaces', async () => {
      const tls = { unverified: true } as const;
      const [first, second, verified, removed] = [tls, tls, {}, tls].map((each) =>
        aWebhook({ namespace: aNamespace(), spec: { tls: each } }),
      );
      const all = [first!, second!, verified!, removed!];
      await store().createWebhooks(all);
      await store().removeWebhooks([{ id: removed!.id, now: T0 }]);
      const found = async () => {
        const ids = new Set(all.map(({ id }) => id));
        return (await store().unverifiedWebhooks(1_000)).filter(({ id }) => ids.has(id));
      };
      assert.deepEqual(await found(), [first, second]);
      assert.equal((await store().unverifiedWebhooks(1)).length, 1);
      const { tls: _, ...spec } = first!.spec;
      const mended = { ...first!, spec, version: 2 };
      await store().updateWebhooks([{ webhook: mended, ifVersion: 1 }]);
      assert.deepEqual(await found(), [second]);
    });

    test('destinations are to be asked whose time has come, of ACTIVE webhooks, and what they say is kept', async () => {
      const asked = (dueAt: number | null, more: Partial<Webhook> = {}) =>
        aWebhook({
          namespace: aNamespace(),
          ...more,
          consent: { state: 'PENDING', dueAt, tries: 0, since: 1 },
        });
      const [later, first] = [asked(T0 + 2), asked(T0 + 1)];
      const others = [asked(T0 + 9), asked(null), asked(T0, { state: 'PAUSED' }), aWebhook()];
      const all = [later, first, ...others];
      await store().createWebhooks(all);
      assert.deepEqual(await store().getWebhooks([later.id]), [later]);
      const ids = new Set(all.map(({ id }) => id));
      const due = async () =>
        (await store().dueConsents({ now: T0 + 2, limit: 1_000 })).filter(({ id }) => ids.has(id));
      assert.deepEqual(await due(), [first, later]);
      assert.equal((await store().dueConsents({ now: T0 + 2, limit: 1 })).length, 1);

      const consent = {
        state: 'GRANTED',
        allowedPerMinute: 9,
        askedAt: T0,
        dueAt: null,
        tries: 0,
        since: 1,
      } as const;
      const notes = [first.id, others[3]!.id, testId('webhook')].map((webhookId) => ({ webhookId, consent }));
      assert.deepEqual(await store().keepConsents(notes), [true, false, false]);
      assert.deepEqual(await store().getWebhooks([first.id]), [{ ...first, consent }]);
      assert.deepEqual(await due(), [later]);
    });

    test('what a destination says is left out where the question began anew, which only that update does', async () => {
      const unasked = { state: 'PENDING', dueAt: T0, tries: 0, since: 1 } as const;
      const webhook = await register(store(), { consent: unasked });
      const { id: webhookId } = webhook;
      const consent = { ...unasked, state: 'REFUSED', reason: 'no', dueAt: T0 + 1 } as const;
      const renamed = { ...webhook, version: 2, spec: { ...webhook.spec, labels: { a: 'b' } } };
      assert.deepEqual(await store().keepConsents([{ webhookId, consent }]), [true]);
      // Read before that was known.
      await store().updateWebhooks([{ webhook: renamed, ifVersion: 1 }]);
      assert.deepEqual((await store().getWebhooks([webhookId]))[0]?.consent, consent);
      const anew = { ...renamed, version: 3, consent: { ...unasked, since: 3 } };
      await store().updateWebhooks([{ webhook: anew, ifVersion: 2, resetConsent: true }]);
      assert.deepEqual(await store().keepConsents([{ webhookId, consent }]), [false]);
      assert.deepEqual((await store().getWebhooks([webhookId]))[0]?.consent, { ...unasked, since: 3 });
      const { consent: _, ...without } = anew;
      await store().updateWebhooks([
        { webhook: { ...without, version: 4 }, ifVersion: 3, resetConsent: true },
      ]);
      assert.equal((await store().getWebhooks([webhookId]))[0]?.consent, undefined);
      assert.deepEqual(await store().keepConsents([{ webhookId, consent: { ...consent, since: 3 } }]), [
        false,
      ]);
    });

    test('an empty batch is answered with nothing', async () => {
      assert.deepEqual(await store().createWebhooks([]), []);
      assert.deepEqual(await store().getWebhooks([]), []);
    });
  });
}
