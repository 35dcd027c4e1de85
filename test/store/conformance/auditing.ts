import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type AuditChange,
  type AuditEntry,
  type AuditedCall,
  type Changes,
  joined,
  NO_CHANGES,
} from '../../../src/domain/access/audit.ts';
import { AUDIT_FIELDS } from '../../../src/domain/listing/fields.ts';
import { readFilter } from '../../../src/domain/listing/filter.ts';
import type { AuditQuery } from '../../../src/store/audit-log.ts';
import { aPublication, aWebhook, T0, testId } from '../../support/store.ts';
import { aNamespace, type Harness, sweepAll, useStore } from './harness.ts';

const CALLER = { kind: 'KEY', id: 'key_1', address: '192.0.2.7' } as const;

function aCall(overrides: Partial<AuditedCall> = {}): AuditedCall {
  return {
    id: testId('audit'),
    at: T0,
    method: 'carillon.v1.WebhookService/Register',
    caller: CALLER,
    requestId: 'r-1',
    namespace: undefined,
    ...overrides,
  };
}

export function auditing(harness: Harness): void {
  describe(`${harness.name}: the audit log`, () => {
    const store = useStore(harness);
    const nothing = () => {};
    const scan = async (namespace: string | undefined, query: Partial<AuditQuery> = {}) => {
      const part = await store().scanAuditEntries({ namespace, descending: false, limit: 100, ...query });
      return [...part.rows];
    };
    const made = ({ id, callerId }: ReturnType<typeof aWebhook>): AuditChange => ({
      kind: 'CREATED',
      type: 'Webhook',
      id: callerId ?? id,
      uid: id,
    });

    test('has an entry of what a call changed, and says so before the call is answered', async () => {
      const namespace = aNamespace();
      const [named, other] = [aWebhook({ namespace, callerId: 'shop' }), aWebhook({ namespace })];
      const call = aCall({ namespace });
      const heard: [string | undefined, Changes][] = [];
      const results = await store().onBehalf(
        call,
        async () => {
          const created = await store().createWebhooks([named, other]);
          assert.equal(heard.length, 1);
          return created;
        },
        (...entered) => void heard.push(entered),
      );
      assert.deepEqual(results, ['CREATED', 'CREATED']);
      const changes = { first: [made(named), made(other)], count: 2 };
      assert.deepEqual(heard, [[namespace, changes]]);
      assert.deepEqual(await scan(namespace), [{ ...call, outcome: 'DONE', reason: '', changes }]);
    });

    test('has none of what was not changed, and none of what nobody asked for', async () => {
      const namespace = aNamespace();
      const webhook = aWebhook({ namespace });
      await store().createWebhooks([webhook]);
      await store().onBehalf(
        aCall({ namespace }),
        async () => {
          assert.deepEqual(await store().createWebhooks([webhook]), ['EXISTS']);
          assert.deepEqual(await store().updateWebhooks([{ webhook, ifVersion: 9 }]), ['STALE']);
          const [gone] = await store().removeWebhooks([{ id: webhook.id, now: T0, ifVersion: 9 }]);
          assert.equal(gone, 'STALE');
          await store().publish([aPublication([webhook.id], { event: { namespace } })]);
          await store().resolveWebhooks([{ namespace, id: webhook.id }]);
        },
        nothing,
      );
      assert.deepEqual(await scan(namespace), []);
    });

    test('has one entry of all that a call changed, in the first and how many', async () => {
      const namespace = aNamespace();
      const webhooks = Array.from({ length: 45 }, () => aWebhook({ namespace }));
      const call = aCall({ namespace });
      let heard = NO_CHANGES;
      await store().onBehalf(
        call,
        async () => {
          for (let i = 0; i < webhooks.length; i += 15) {
            await store().createWebhooks(webhooks.slice(i, i + 15));
          }
        },
        (_, more) => {
          heard = joined(heard, more);
        },
      );
      const [entry, ...others] = await scan(namespace);
      assert.deepEqual(others, []);
      assert.equal(entry?.changes.count, 45);
      assert.deepEqual(entry.changes.first, webhooks.slice(0, 20).map(made));
      assert.deepEqual(heard, entry.changes);
    });

    test('has an entry in each namespace in which a call changed something', async () => {
      const [own, other] = [aNamespace(), aNamespace()];
      const webhooks = [own, other].map((namespace) => aWebhook({ namespace }));
      const call = aCall({ namespace: own });
      await store().onBehalf(call, () => store().createWebhooks(webhooks), nothing);
      const [mine] = await scan(own);
      const [theirs, ...more] = await scan(other);
      assert.equal(mine?.id, call.id);
      assert.notEqual(theirs?.id, call.id);
      assert.deepEqual(theirs?.changes, { first: [made(webhooks[1]!)], count: 1 });
      assert.deepEqual(more, []);
    });

    test('says which fields changed, and by which id a webhook was known that is gone', async () => {
      const namespace = aNamespace();
      const webhook = aWebhook({ namespace, callerId: 'shop' });
      await store().createWebhooks([webhook]);
      const [changing, removing] = [aCall({ namespace }), aCall({ namespace })];
      const update = {
        webhook: { ...webhook, version: 2 },
        ifVersion: 1,
        changed: { fields: ['state', 'signing_secrets'], before: ['sec_1'], after: ['sec_2', 'sec_1'] },
      };
      await store().onBehalf(changing, () => store().updateWebhooks([update]), nothing);
      const removal = { id: webhook.id, now: T0 };
      await store().onBehalf(removing, () => store().removeWebhooks([removal]), nothing);
      const about = { type: 'Webhook', id: 'shop', uid: webhook.id } as const;
      assert.deepEqual(
        (await scan(namespace)).flatMap(({ changes }) => changes.first),
        [
          { kind: 'UPDATED', ...about, ...update.changed },
          { kind: 'REMOVED', ...about },
        ],
      );
    });

    test('tells calls apart that are made at the same time, and knows nothing of work that goes on after one', async () => {
      const namespace = aNamespace();
      const calls = [aCall({ namespace }), aCall({ namespace })];
      const webhooks = calls.map(() => aWebhook({ namespace }));
      await Promise.all(
        calls.map((call, i) => store().onBehalf(call, () => store().createWebhooks([webhooks[i]!]), nothing)),
      );
      const after = Promise.withResolvers<void>();
      let late: Promise<unknown> | undefined;
      const last = aCall({ namespace });
      await store().onBehalf(
        last,
        async () => {
          late = after.promise.then(() => store().createWebhooks([aWebhook({ namespace })]));
        },
        nothing,
      );
      after.resolve();
      await late;
      const entries = await scan(namespace);
      assert.deepEqual(
        entries.map(({ id, changes }) => [id, changes.first[0]?.id]),
        calls.map(({ id }, i) => [id, webhooks[i]!.id]),
      );
    });

    test('has what was changed before a call failed, and then its error', async () => {
      const namespace = aNamespace();
      const call = aCall({ namespace });
      const failing = store().onBehalf(
        call,
        async () => {
          await store().createWebhooks([aWebhook({ namespace })]);
          throw new Error('then');
        },
        nothing,
      );
      await assert.rejects(failing, /then/);
      assert.deepEqual(
        (await scan(namespace)).map(({ id }) => id),
        [call.id],
      );
    });

    test('has calls that were refused', async () => {
      const namespace = aNamespace();
      const refusal = { outcome: 'REFUSED', reason: 'ROLE_TOO_SMALL', changes: NO_CHANGES } as const;
      const entry: AuditEntry = { ...aCall({ namespace }), ...refusal };
      await store().enterRefusals([entry]);
      assert.deepEqual(await scan(namespace), [entry]);
    });

    test('is listed in both directions, a part at a time, by times and by a condition', async () => {
      const namespace = aNamespace();
      const entries = await entered(namespace, 5);
      const ids = entries.map(({ id }) => id);
      const found = async (query: Partial<AuditQuery>) => (await scan(namespace, query)).map(({ id }) => id);
      assert.deepEqual(await found({}), ids);
      assert.deepEqual(await found({ descending: true }), ids.toReversed());
      assert.deepEqual(await found({ after: ids[1]!, limit: 2 }), ids.slice(2, 4));
      assert.deepEqual(await found({ after: ids[3]!, limit: 2, descending: true }), [ids[2], ids[1]]);
      assert.deepEqual(await found({ since: T0 + 1, until: T0 + 3 }), ids.slice(1, 3));
      const where = readFilter('address = 192.0.2.3 OR address = 192.0.2.4', AUDIT_FIELDS)!;
      assert.deepEqual(await found({ where }), ids.slice(3));
      const all = await scan(undefined, { since: T0 + 1, limit: 10_000 });
      assert.ok(ids.slice(1).every((id) => all.some((entry) => entry.id === id)));
      assert.ok(!all.some(({ id }) => id === ids[0]));
    });

    test('forgets entries in time, oldest first, and a part at a time', async () => {
      const namespace = aNamespace();
      const entries = await entered(namespace, 3);
      await sweepAll(store(), { now: T0 + 10, finishedBefore: T0 + 2 });
      assert.deepEqual(await scan(namespace), entries.slice(2));
    });

    test('goes with its namespace, but for what was done with the namespace itself', async () => {
      const namespace = aNamespace();
      const other = aNamespace();
      const tenant = {
        name: namespace,
        state: 'ACTIVE',
        quotas: {},
        createdAt: T0,
        updatedAt: T0,
        version: 1,
      } as const;
      const calls = ['CreateNamespace', 'DeleteNamespace'].map((name) => aCall({ method: name }));
      await store().onBehalf(calls[0]!, () => store().createNamespaces([tenant]), nothing);
      await entered(namespace, 3);
      await entered(other, 1);
      const deleting = {
        namespace: { ...tenant, state: 'DELETING', version: 2 },
        ifVersion: 1,
        changed: ['state'],
      } as const;
      await store().onBehalf(calls[1]!, () => store().updateNamespaces([deleting]), nothing);
      await sweepAll(store(), { now: T0 + 60_000, finishedBefore: 0 });
      assert.deepEqual(await scan(namespace), []);
      assert.equal((await scan(other)).length, 1);
      const about = { type: 'Namespace', id: namespace } as const;
      const left = (await scan(undefined, { limit: 10_000 })).filter(({ changes }) =>
        changes.first.some(({ id }) => id === namespace),
      );
      assert.deepEqual(
        left.map((entry) => [entry.method, entry.namespace, entry.changes.first]),
        [
          ['CreateNamespace', undefined, [{ kind: 'CREATED', ...about }]],
          ['DeleteNamespace', undefined, [{ kind: 'REMOVED', ...about, fields: ['state'] }]],
        ],
      );
    });

    /** Entries made a millisecond after the other, from addresses with the same numbers. */
    async function entered(namespace: string, count: number): Promise<AuditEntry[]> {
      const entries = Array.from(
        { length: count },
        (_, i): AuditEntry => ({
          ...aCall({ namespace, id: testId('audit', T0 + i), at: T0 + i }),
          caller: { ...CALLER, address: `192.0.2.${i}` },
          outcome: 'REFUSED',
          reason: 'ROLE_TOO_SMALL',
          changes: NO_CHANGES,
        }),
      );
      await store().enterRefusals(entries);
      return entries;
    }
  });
}
