import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newId } from '../../../src/domain/id.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import type { NewApiKey, Store } from '../../../src/store/store.ts';
import { aDelivery, aPublication, aRun, aTenant, aWebhook, T0, testId } from '../../support/store.ts';
import {
  aNamespace,
  type Harness,
  publishTo,
  register,
  settlement,
  sweepAll,
  useStore,
  waitingOf,
} from './harness.ts';

export function tenants(harness: Harness): void {
  describe(`${harness.name}: namespaces`, () => {
    const store = useStore(harness);

    async function make(overrides: Parameters<typeof aTenant>[1] = {}): Promise<string> {
      const name = aNamespace();
      assert.deepEqual(await store().createNamespaces([aTenant(name, overrides)]), ['CREATED']);
      return name;
    }

    async function become(name: string, change: Parameters<typeof aTenant>[1]): Promise<void> {
      const [found] = await store().getNamespaces([name]);
      const namespace = { ...found!, ...change, version: found!.version + 1 };
      assert.deepEqual(await store().updateNamespaces([{ namespace, ifVersion: found!.version }]), [
        'UPDATED',
      ]);
    }

    test('`default` is there from the start', async () => {
      const [found] = await store().getNamespaces(['default']);
      assert.deepEqual([found?.name, found?.state, found?.quotas], ['default', 'ACTIVE', {}]);
    });

    test('one is made once, read as it was written, and listed by name', async () => {
      const quotas = {
        webhooksMax: 1,
        waitingMax: 2,
        laneWaitingMax: 3,
        publishRate: { perSecond: 0.5, burst: 4 },
        payloadBytesMax: 5,
      };
      const full = aTenant(aNamespace(), { quotas });
      const bare = aTenant(aNamespace());
      assert.deepEqual(await store().createNamespaces([full, bare, full]), ['CREATED', 'CREATED', 'EXISTS']);
      assert.deepEqual(await store().getNamespaces([bare.name, 'nobody', full.name]), [
        bare,
        undefined,
        full,
      ]);
      const all = await store().listNamespaces({ limit: 1_000 });
      const names = all.map(({ name }) => name);
      assert.deepEqual(names, names.toSorted());
      assert.deepEqual(await store().listNamespaces({ after: names[0]!, limit: 1 }), [all[1]]);
    });

    test('a change is for the version that it was made of, and is heard of at once', async () => {
      const name = await make();
      const before = store().namespaceEpoch();
      await become(name, { quotas: { webhooksMax: 9 } });
      assert.ok(before === undefined || store().namespaceEpoch()! > before);
      const late = { namespace: aTenant(name), ifVersion: 1 };
      const nobody = { namespace: aTenant('nobody'), ifVersion: 1 };
      assert.deepEqual(await store().updateNamespaces([late, nobody]), ['STALE', 'NOT_FOUND']);
      assert.deepEqual((await store().getNamespaces([name]))[0]?.quotas, { webhooksMax: 9 });
    });

    test('no more webhooks are registered than it may have, and one that is there is found to be there', async () => {
      const namespace = await make({ quotas: { webhooksMax: 2 } });
      const [one, two, three] = [1, 2, 3].map(() => aWebhook({ namespace }));
      assert.deepEqual(await store().createWebhooks([one!, two!, three!]), ['CREATED', 'CREATED', 'FULL']);
      const again = aWebhook({ namespace, spec: { name: one!.spec.name } });
      assert.deepEqual(await store().createWebhooks([again]), ['EXISTS']);
      assert.equal((await store().namespaceUsage([namespace]))[0]?.webhooks, 2);
      await store().removeWebhooks([{ id: one!.id, now: T0 }]);
      assert.deepEqual(await store().createWebhooks([three!]), ['CREATED']);
    });

    test('what waits is bounded as it says, of a lane and in all', async () => {
      const namespace = await make({ quotas: { waitingMax: 4, laneWaitingMax: 2 } });
      const one = await register(store(), { namespace });
      const two = await register(store(), { namespace, spec: { limits: { waitingMax: 9 } } });
      await publishTo(store(), one, 3);
      await publishTo(store(), two, 3);
      const [usage] = await store().namespaceUsage([namespace]);
      assert.deepEqual(usage, { webhooks: 2, waiting: 6, longestLane: 3 });
      const over = async () =>
        (await store().overflowing(100))
          .filter(({ webhookId }) => [one.id, two.id].includes(webhookId))
          .map(({ webhookId, excess, bound }) => [webhookId, excess, bound])
          .sort();
      assert.deepEqual(
        await over(),
        [
          [one.id, 1, 2],
          [two.id, 1, 2],
        ].sort(),
      );
      await become(namespace, { quotas: { laneWaitingMax: 1 } });
      assert.deepEqual(
        await over(),
        [
          [one.id, 2, 1],
          [two.id, 2, 1],
        ].sort(),
      );
      await become(namespace, { quotas: { waitingMax: 5 } });
      assert.deepEqual(
        (await over()).map(([, , bound]) => bound),
        [5],
      );
    });

    test('one that is suspended takes nothing that would ring, and keeps what waits', async () => {
      const namespace = await make();
      const webhook = await register(store(), { namespace });
      const [waiting] = await publishTo(store(), webhook);
      await become(namespace, { state: 'SUSPENDED' });
      await assertShut(store(), webhook, 'SUSPENDED');
      const [news] = await store().publish([
        aPublication([webhook.id], { event: { type: 'carillon.delivery.failed' } }),
      ]);
      assert.equal(news?.kind, 'PUBLISHED', 'what Carillon has to say is kept for later');
      assert.equal((await store().getWebhooks([webhook.id]))[0]?.suspended, true);
      const skip = aRun(webhook, { runs: [] });
      assert.deepEqual(await store().fireRuns([skip]), ['FIRED'], 'its schedule goes on without runs');
      assert.deepEqual(await store().createWebhooks([aWebhook({ namespace })]), ['CREATED']);
      assert.deepEqual((await waitingOf(store(), webhook.id))[0]?.id, waiting!.id);
      assert.deepEqual(await store().settle([settlement(waiting!)], []), ['SETTLED']);
      await become(namespace, { state: 'ACTIVE' });
      assert.equal((await store().getWebhooks([webhook.id]))[0]?.suspended, undefined);
      const [published] = await store().publish([aPublication([webhook.id])]);
      assert.equal(published?.kind, 'PUBLISHED');
    });

    test('one that is being deleted takes nothing, and its webhooks are not there for those who ring', async () => {
      const namespace = await make();
      const webhook = await register(store(), { namespace });
      await store().pollWebhooks();
      await become(namespace, { state: 'DELETING' });
      await assertShut(store(), webhook, 'DELETING');
      assert.deepEqual(await store().createWebhooks([aWebhook({ namespace })]), ['SHUT']);
      assert.deepEqual(await store().getWebhooks([webhook.id]), [undefined]);
      assert.equal((await store().pollWebhooks()).overflowed, true, 'all that was remembered is forgotten');
      assert.deepEqual(await store().createNamespaces([aTenant(namespace)]), ['EXISTS']);
    });

    test('all that it owns goes, in small steps, and nothing of others', async () => {
      const namespace = await make();
      const other = await make();
      const [mine, theirs] = [await furnish(store(), namespace), await furnish(store(), other)];
      const bytes = new Uint8Array(32);
      const signing = [namespace, other].map((each) => ({
        namespace: each,
        id: `key-${each}`,
        publicKey: bytes,
        sealed: bytes,
        createdAt: T0,
      }));
      await store().keepNamespaceKeys(signing);
      await become(namespace, { state: 'DELETING' });
      const touched = await sweepAll(store());
      assert.ok(touched.length > 2 && touched.every((rows) => rows <= SWEEP_BATCH), String(touched));
      assert.deepEqual(
        await store()
          .getNamespaces([namespace, other])
          .then((all) => all.map((each) => each?.state)),
        [undefined, 'ACTIVE'],
      );
      assert.deepEqual(await possessions(store(), mine), NOTHING_LEFT);
      assert.deepEqual(await possessions(store(), theirs), { ...ALL_THERE });
      const signers = (await store().listNamespaceKeys({ after: '', limit: 100 })).map(
        (each) => each.namespace,
      );
      assert.deepEqual(
        [namespace, other].map((each) => signers.includes(each)),
        [false, true],
      );
      // An attempt that was in flight comes too late.
      assert.deepEqual(await store().settle([settlement(mine.waiting)], []), ['GONE']);
      // Nor does anything come of a call that had begun before.
      assert.deepEqual(await store().createWebhooks([aWebhook({ namespace })]), ['SHUT']);
      const [late] = await store().publish([aPublication([], { event: { namespace } })]);
      assert.deepEqual(late, { kind: 'SHUT', state: 'DELETING' });
      const key = { ...aKey(), namespace };
      assert.deepEqual(await store().createApiKeys([key], { now: T0, max: 100 }), ['SHUT']);
      assert.deepEqual(await store().keepNamespaceKeys([signing[0]!]), [undefined]);

      assert.deepEqual(await store().createNamespaces([aTenant(namespace)]), ['CREATED']);
      const [usage] = await store().namespaceUsage([namespace]);
      assert.deepEqual(usage, { webhooks: 0, waiting: 0, longestLane: 0 });
      // The ids and names of before are free.
      await furnish(store(), namespace);
    });

    test('its keys are revoked first, which is told, and are gone before its name is free', async () => {
      const namespace = await make();
      const key = { ...aKey(), namespace };
      const others = { ...aKey(), namespace: await make() };
      assert.deepEqual(await store().createApiKeys([key, others], { now: T0, max: 100 }), [
        'CREATED',
        'CREATED',
      ]);
      const told = (await store().apiKeyChanges({ after: 0, limit: 1_000 })).at(-1)!.change;
      await become(namespace, { state: 'DELETING', updatedAt: T0 });
      await sweepAll(store());
      const [change, ...more] = await store().apiKeyChanges({ after: told, limit: 10 });
      assert.deepEqual([change?.key.id, change?.key.revokedAt, more], [key.id, T0, []]);
      assert.equal(
        (await store().getNamespaces([namespace]))[0]?.state,
        'DELETING',
        'until all have heard of it',
      );
      await sweepAll(store(), { now: T0 + 10_000 });
      assert.deepEqual(await store().getNamespaces([namespace]), [undefined]);
      const left = (of: string) => store().listApiKeys({ namespace: of, from: undefined, limit: 10 });
      assert.deepEqual([(await left(namespace)).length, (await left(others.namespace)).length], [0, 1]);
    });

    test('keys that are made or revoked after its keys are gone are told of', async () => {
      const namespace = await make();
      const [old, others] = [aKey(), aKey()];
      await store().createApiKeys([others, { ...old, namespace }], { now: T0, max: 100 });
      await become(namespace, { state: 'DELETING', updatedAt: T0 });
      await sweepAll(store());
      const told = (await store().apiKeyChanges({ after: 0, limit: 1_000 })).at(-1)!.change;
      await sweepAll(store(), { now: T0 + 10_000 });
      assert.deepEqual(await store().getNamespaces([namespace]), [undefined]);

      const made = aKey();
      await store().createApiKeys([made], { now: T0, max: 100 });
      await store().revokeApiKeys([{ id: others.id, now: T0, namespace: undefined }]);
      const changes = await store().apiKeyChanges({ after: told, limit: 10 });
      assert.deepEqual(
        changes.map(({ key }) => key.id),
        [made.id, others.id],
      );
    });

    test('those who follow what happens in another miss nothing because of it', async () => {
      const namespace = await make();
      const other = await register(store(), { namespace: await make() });
      const start = await store().changesSince({ namespace: other.namespace, limit: 1 });
      assert.ok(start !== 'GAP');
      const [waiting] = await publishTo(store(), other);
      await store().settle([settlement(waiting!)], []);
      await furnish(store(), namespace);
      await become(namespace, { state: 'DELETING' });
      await sweepAll(store());
      const found = await store().changesSince({ namespace: other.namespace, after: start.next, limit: 10 });
      assert.ok(found !== 'GAP');
      assert.deepEqual(
        found.changes.map(({ delivery }) => delivery.id),
        [waiting!.id],
      );
    });

    test('those who follow another from before a restart hear what happens after it', async () => {
      if (harness.reopen === undefined) return;
      const before = await harness.open();
      const other = await register(before, { namespace: 'staying' });
      await before.createNamespaces([aTenant('leaving')]);
      const leaving = await register(before, { namespace: 'leaving' });
      for (const waiting of await publishTo(before, leaving, 3))
        await before.settle([settlement(waiting)], []);
      const there = await before.changesSince({ namespace: 'staying', limit: 1 });
      assert.ok(there !== 'GAP');
      const namespace = aTenant('leaving', { state: 'DELETING', version: 2 });
      await before.updateNamespaces([{ namespace, ifVersion: 1 }]);
      await sweepAll(before);
      const after = await harness.reopen(before);
      const [waiting] = await publishTo(after, other);
      await after.settle([settlement(waiting!)], []);
      const found = await after.changesSince({ namespace: 'staying', after: there.next, limit: 10 });
      assert.ok(found !== 'GAP');
      assert.deepEqual(
        found.changes.map(({ delivery }) => delivery.id),
        [waiting!.id],
      );
      await after.close();
    });

    test('a deletion that was broken off goes on after a start', async () => {
      if (harness.reopen === undefined) return;
      const before = await harness.open();
      await before.createNamespaces([aTenant('leaving')]);
      const mine = await furnish(before, 'leaving');
      const namespace = aTenant('leaving', { state: 'DELETING', version: 2 });
      await before.updateNamespaces([{ namespace, ifVersion: 1 }]);
      assert.ok((await before.sweep({ now: T0, finishedBefore: 0, payloadsBefore: 0 })) > 0);
      const after = await harness.reopen(before);
      assert.deepEqual(await after.getWebhooks([mine.webhook.id]), [undefined]);
      await sweepAll(after);
      assert.deepEqual(await after.getNamespaces(['leaving']), [undefined]);
      assert.deepEqual(await possessions(after, mine), NOTHING_LEFT);
      await after.close();
    });
  });

  describe(`${harness.name}: two namespaces with equal ids and names`, () => {
    const store = useStore(harness);

    test('neither sees the other, by any verb that serves a caller', async () => {
      const [mine, theirs] = [await furnish(store(), aNamespace()), await furnish(store(), aNamespace())];
      for (const [own, other] of [
        [mine, theirs],
        [theirs, mine],
      ] as const) {
        const { namespace } = own.webhook;
        assert.deepEqual(await possessions(store(), own), ALL_THERE);
        const ids = await store().resolveWebhooks([
          { namespace, id: 'shop' },
          { namespace, id: own.webhook.id },
          { namespace, id: other.webhook.id },
        ]);
        assert.deepEqual(
          ids.map((each) => each?.id),
          [own.webhook.id, own.webhook.id, undefined],
        );
        const { name, destination } = own.webhook.spec;
        assert.equal((await store().findWebhook({ namespace, name, destination }))?.id, own.webhook.id);
        assert.deepEqual(await store().matchWebhooks([{ namespace, type: 'order.paid' }]), [
          [own.webhook.id],
        ]);

        const list = { namespace, limit: 10_000 };
        assert.ok((await store().listWebhooks(list)).every((each) => each.namespace === namespace));
        assert.ok((await store().listEvents(list)).every((each) => each.namespace === namespace));
        assert.ok((await store().listDeliveries(list)).every((each) => each.namespace === namespace));
        assert.deepEqual(await store().listDeliveries({ ...list, webhookId: other.webhook.id }), []);
        assert.deepEqual(await store().listDeliveries({ ...list, eventId: other.eventId }), []);
        for (const state of ['PENDING', 'SUCCEEDED', 'FAILED'] as const) {
          const found = await store().listDeliveries({ ...list, state, webhookId: other.webhook.id });
          assert.deepEqual(found, [], state);
        }

        const [byCaller, byOwn, byTheirs] = await store().getEvents([
          { namespace, id: 'order-7' },
          { namespace, id: other.eventId },
          { namespace, id: other.plainEventId },
        ]);
        assert.deepEqual([byCaller?.id, byOwn, byTheirs], [own.eventId, undefined, undefined]);
        assert.deepEqual(await store().resolveEvents([{ namespace, id: 'order-7' }]), [own.eventId]);
        assert.deepEqual(await store().purgeEvents([{ namespace, id: other.plainEventId }]), ['GONE']);

        const order = { namespace, id: other.waiting.id, now: T0 };
        assert.deepEqual(await store().retryDeliveries([order]), ['GONE']);
        assert.deepEqual(await store().cancelDeliveries([order]), ['GONE']);
        assert.equal(await store().getDelivery({ namespace, id: other.waiting.id }), undefined);
        assert.deepEqual(await store().getContents([{ namespace, id: other.waiting.id }]), [undefined]);

        const replay = { eventId: own.eventId, delivery: aDelivery(other.webhook.id), now: T0 };
        assert.deepEqual(await store().replay([replay]), ['GONE']);
        const [crossed] = await store().publish([
          aPublication([other.webhook.id], { event: { namespace, id: testId('event') } }),
        ]);
        assert.deepEqual(crossed, { kind: 'PUBLISHED', deliveries: 0 });

        const start = await store().changesSince({ namespace, after: 0, limit: 10_000 });
        assert.ok(start !== 'GAP' && start.changes.length > 0);
        assert.ok(start.changes.every(({ delivery }) => delivery.namespace === namespace));

        const claim = { namespace, requestId: 'call-1', digest: namespace, now: T0, until: T0 + 1 };
        const [claimed] = await store().claimRequests([claim]);
        assert.deepEqual(claimed, { kind: 'ANSWERED', answer: new Uint8Array([7]), digest: namespace });
      }
    });
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Furnished {
  readonly webhook: Webhook;
  /** With the caller's id `order-7`. */
  readonly eventId: string;
  readonly plainEventId: string;
  readonly waiting: Awaited<ReturnType<typeof publishTo>>[number];
}

/** Enough that the lists are not empty. */
const EVENTS = 3_500;

/** Something of each kind, by the same names in each namespace. */
async function furnish(store: Store, namespace: string): Promise<Furnished> {
  const webhook = aWebhook({
    namespace,
    callerId: 'shop',
    spec: { name: 'shop', eventTypes: ['order.*'], limits: { ordered: true } },
  });
  const gone = aWebhook({ namespace, spec: { name: 'gone' } });
  assert.deepEqual(await store.createWebhooks([webhook, gone]), ['CREATED', 'CREATED']);
  await publishTo(store, gone, 2);
  await store.removeWebhooks([{ id: gone.id, now: T0 }]);
  const named = aPublication([webhook.id], {
    event: { namespace, type: 'order.paid', callerId: 'order-7' },
    remember: { digest: namespace, until: T0 + 1_000_000 },
  });
  const plain = aPublication([], { event: { namespace, type: 'order.paid' } });
  assert.deepEqual(
    (await store.publish([named, plain])).map(({ kind }) => kind),
    ['PUBLISHED', 'PUBLISHED'],
  );
  await store.publish(Array.from({ length: EVENTS }, () => aPublication([webhook.id])));
  const rendered = { body: new TextEncoder().encode('Hi'), contentType: 'text/plain', headers: {} };
  const made = aDelivery(webhook.id, { format: 'RENDERED', rendered });
  await store.publish([{ ...aPublication([webhook.id]), deliveries: [made] }]);
  await store.replay([{ eventId: named.event.id, delivery: aDelivery(webhook.id), now: T0 }]);
  await store.fireRuns([aRun(webhook)]);
  const [first, second, third] = await waitingOf(store, webhook.id);
  await store.settle(
    [
      settlement(first!),
      settlement(second!, { to: 'FAILED', reason: 'EXHAUSTED' }),
      settlement(third!, { to: 'PENDING', dueAt: T0 + 5 }),
    ],
    [],
  );
  const claim = { namespace, requestId: 'call-1', digest: namespace, now: T0, until: T0 + 1_000_000 };
  assert.deepEqual((await store.claimRequests([claim]))[0]?.kind, 'CLAIMED');
  await store.answerRequests([{ namespace, requestId: 'call-1', answer: new Uint8Array([7]) }]);
  const waiting = { ...third!, attempts: 1 };
  return { webhook, eventId: named.event.id, plainEventId: plain.event.id, waiting };
}

/** What can still be found of it. */
async function possessions(store: Store, { webhook, eventId, waiting }: Furnished) {
  const { namespace } = webhook;
  const list = { namespace, limit: 10 };
  const claim = { namespace, requestId: 'call-1', digest: namespace, now: T0, until: T0 + 1_000_000 };
  const [claimed] = await store.claimRequests([claim]);
  if (claimed?.kind === 'CLAIMED') await store.releaseRequests([claim]);
  return {
    webhook: (await store.resolveWebhooks([{ namespace, id: 'shop' }]))[0] !== undefined,
    webhooks: (await store.listWebhooks(list)).length,
    ringing: (await store.matchWebhooks([{ namespace, type: 'order.paid' }]))[0]!.length,
    events: (await store.listEvents(list)).length,
    event: (await store.getEvents([{ namespace, id: 'order-7' }]))[0]?.id === eventId,
    deliveries: (await store.listDeliveries(list)).length,
    delivery: (await store.getDelivery({ namespace, id: waiting.id })) !== undefined,
    call: claimed?.kind,
  };
}

const ALL_THERE = {
  webhook: true,
  webhooks: 1,
  ringing: 1,
  events: 10,
  event: true,
  deliveries: 10,
  delivery: true,
  call: 'ANSWERED',
};
const NOTHING_LEFT = {
  webhook: false,
  webhooks: 0,
  ringing: 0,
  events: 0,
  event: false,
  deliveries: 0,
  delivery: false,
  call: 'CLAIMED',
};

/** Nothing that rings is taken. */
async function assertShut(store: Store, webhook: Webhook, state: 'SUSPENDED' | 'DELETING'): Promise<void> {
  const { namespace } = webhook;
  const event = {
    namespace,
    id: newId('event', T0 + 1, { unit: () => 0, bytes: (count) => new Uint8Array(count) }),
  };
  assert.deepEqual(await store.publish([aPublication([webhook.id]), aPublication([], { event })]), [
    { kind: 'SHUT', state },
    { kind: 'SHUT', state },
  ]);
  const trigger = aPublication([webhook.id], { run: true });
  assert.deepEqual(await store.publish([trigger]), [{ kind: 'SHUT', state }]);
  assert.deepEqual(await store.fireRuns([aRun(webhook)]), ['STALE']);
  const { runs } = aRun(webhook);
  const backfill = {
    webhookId: webhook.id,
    version: 1,
    takeTurns: 'NEVER',
    waitingMax: 9,
    now: T0,
    runs,
  } as const;
  assert.deepEqual(await store.backfillRuns([backfill]), ['STALE']);
}

let keys = 0;

function aKey(): NewApiKey {
  const hash = `hash-${++keys}`;
  const never = { expiresAt: undefined, revokedAt: undefined, lastUsedAt: undefined };
  const about = { namespace: undefined, role: 'READ', note: '', callsPerSecond: 0 } as const;
  return { ...about, ...never, id: testId('key'), prefix: 'ck_', createdAt: T0, hash };
}
