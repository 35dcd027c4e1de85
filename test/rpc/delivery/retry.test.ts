import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, createClient } from '@connectrpc/connect';
import { Delivery_State, DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { PreconditionFailureSchema, ResourceInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { aDeliveryThat, type Fate, settle, waitingDelivery } from '../../support/deliveries.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';
import { anAttempt, aPublication, aWebhook, T0, testId } from '../../support/store.ts';

const EXHAUSTED = { to: 'FAILED', reason: 'EXHAUSTED' } as const;
const FAILED: Fate = { status: 500, to: EXHAUSTED };
const MINUTE = 60_000;

describe('RetryDelivery', () => {
  const api = sharedApi();
  const retry = (id: string) => api().deliveries.retryDelivery({ id });
  const retryMany = (filter: string, more: object = {}) =>
    api().deliveries.retryDeliveries({ filter, ...more });
  const failedOf = ({ id }: { id: string }) => `webhook_id = ${id} AND state = FAILED`;
  const shown = async (id: string) =>
    (await api().deliveries.getDelivery({ id })).delivery ?? assert.fail(`there is no ${id}`);

  async function put(...fates: Fate[]): Promise<{ webhook: Webhook; ids: string[] }> {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    const ids: string[] = [];
    for (const fate of fates) ids.push(await aDeliveryThat(api().store, webhook.id, fate));
    return { webhook, ids };
  }

  it('makes one that FAILED or was CANCELLED due now, under its id, with a fresh row of attempts', async () => {
    const { webhook, ids } = await put(FAILED, {
      status: 500,
      to: { to: 'CANCELLED', reason: 'REQUESTED' },
    });
    api().clock.advance(MINUTE);
    for (const id of ids) {
      const { delivery: answered } = await retry(id);
      const delivery = await shown(id);
      const withoutDetail = { attempts: [], requestBody: new Uint8Array(), requestBodySize: 0n };
      assert.deepEqual(answered, { ...delivery, ...withoutDetail });
      assert.deepEqual(
        [delivery.state, delivery.stateReason, delivery.attemptCount, delivery.attempts.length],
        [Delivery_State.PENDING, '', 1, 1],
      );
      assert.equal(Number(delivery.nextAttemptTime?.seconds) * 1000, api().clock.now());
      const { attempts, attemptsBefore } = await waitingDelivery(api().store, webhook.id, id);
      assert.deepEqual([attempts, attemptsBefore], [1, 1]);
    }
  });

  it('makes one that waits due now', async () => {
    const { ids } = await put({ status: 500, to: { to: 'PENDING', dueAt: T0 + 3_600_000 } });
    await retry(ids[0] ?? '');
    assert.ok(Number((await shown(ids[0] ?? '')).nextAttemptTime?.seconds) * 1000 <= api().clock.now());
  });

  it('says what one waits for that is not the first of an ordered webhook', async () => {
    const webhook = aWebhook({ spec: { limits: { ordered: true } } });
    await api().store.createWebhooks([webhook]);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const to = { to: 'PENDING', dueAt: T0 + 3_600_000 } as const;
      ids.push(await aDeliveryThat(api().store, webhook.id, { status: 500, to }));
    }
    const [first, second, third] = ids as [string, string, string];
    assert.equal((await retry(second)).delivery?.waitsFor, first);
    assert.equal((await shown(third)).waitsFor, first);
    const many = await retryMany(`webhook_uid = ${webhook.id} AND NOT id = ${first}`);
    assert.deepEqual([many.count, many.heldBackCount], [2, 2]);
    const all = await retryMany(`webhook_uid = ${webhook.id}`);
    assert.deepEqual([all.count, all.heldBackCount], [3, 0]);
    assert.equal((await retry(first)).delivery?.waitsFor, '');
  });

  it('does not send one again that would overflow at once, and passes over such', async () => {
    const webhook = aWebhook({ spec: { limits: { waitingMax: 1 } } });
    await api().store.createWebhooks([webhook]);
    const gaveUp: Fate = { status: 500, to: { to: 'FAILED', reason: 'OVERFLOW' } };
    const id = await aDeliveryThat(api().store, webhook.id, gaveUp);
    const other = await aDeliveryThat(api().store, webhook.id, gaveUp);
    assert.equal((await retry(id)).delivery?.state, Delivery_State.PENDING);
    const error = await refusal(retry(other));
    assert.equal(error.code, Code.FailedPrecondition);
    assert.match(error.rawMessage, /would overflow at once: as much waits for its webhook/);
    const many = await retryMany(failedOf(webhook));
    assert.deepEqual([many.count, many.fullCount], [0, 1]);
    assert.equal((await shown(other)).state, Delivery_State.FAILED);
  });

  it('does not send one again that SUCCEEDED', async () => {
    const { ids } = await put({ status: 200 });
    const error = await refusal(retry(ids[0] ?? ''));
    assert.equal(error.code, Code.FailedPrecondition);
    const [failure] = error.findDetails(PreconditionFailureSchema);
    assert.deepEqual(
      failure?.violations.map(({ type, subject }) => [type, subject]),
      [['STATE', ids[0]]],
    );
    assert.match(error.rawMessage, /has SUCCEEDED; replay its event/);
  });

  it('knows none whose id there is not, that is of another namespace, or whose webhook is gone', async () => {
    const theirs = aWebhook({ namespace: 'acme' });
    await api().store.createWebhooks([theirs]);
    const publication = aPublication([theirs.id], { event: { namespace: 'acme' } });
    await api().store.publish([publication]);
    const { webhook, ids } = await put(FAILED);
    await api().store.removeWebhooks([{ id: webhook.id, now: T0 }]);
    for (const [id, resource] of [
      [testId('delivery'), 'carillon.v1.Delivery'],
      [publication.deliveries[0]?.id ?? '', 'carillon.v1.Delivery'],
      [ids[0] ?? '', 'carillon.v1.Webhook'],
    ] as const) {
      const error = await refusal(retry(id));
      assert.equal(error.code, Code.NotFound);
      assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceType, resource);
    }
  });

  it('says so when the data of its event was erased', async () => {
    const { ids } = await put({ ...FAILED, callerId: 'erased' });
    await api().store.purgeEvents([{ namespace: 'default', id: 'erased' }]);
    const error = await refusal(retry(ids[0] ?? ''));
    assert.equal(error.code, Code.FailedPrecondition);
    assert.match(error.rawMessage, /its event's data was erased/);
  });

  it('takes all FAILED ones of a webhook, and no others', async () => {
    const { webhook, ids } = await put(FAILED, { status: 200 }, FAILED, {});
    const other = await put(FAILED);
    const dry = await retryMany(failedOf(webhook), { validateOnly: true });
    assert.deepEqual([dry.count, dry.nextPageToken], [2, '']);
    assert.equal((await shown(ids[0] ?? '')).state, Delivery_State.FAILED);
    const { count, nextPageToken } = await retryMany(failedOf(webhook));
    assert.deepEqual([count, nextPageToken], [2, '']);
    const states = await Promise.all(ids.map(async (id) => (await shown(id)).state));
    assert.deepEqual(states, [
      Delivery_State.PENDING,
      Delivery_State.SUCCEEDED,
      Delivery_State.PENDING,
      Delivery_State.PENDING,
    ]);
    assert.equal((await shown(other.ids[0] ?? '')).state, Delivery_State.FAILED);
    assert.equal((await retryMany(failedOf(webhook))).count, 0);
  });

  it('takes those that wait for another attempt too, if asked, but none that waits for its first', async () => {
    const later = { to: 'PENDING', dueAt: T0 + 3_600_000 } as const;
    const { webhook, ids } = await put(FAILED, { status: 500, to: later }, {}, { status: 200 });
    const again = () => {
      const now = new Date(api().clock.now()).toISOString();
      return retryMany(
        `webhook_id = ${webhook.id} AND ` +
          `(state = FAILED OR (state = PENDING AND attempt_count > 0 AND next_attempt_time > ${now}))`,
      );
    };
    const before = await shown(ids[2] ?? '');
    assert.equal((await again()).count, 2);
    const due = await shown(ids[1] ?? '');
    assert.equal(Number(due.nextAttemptTime?.seconds) * 1000, api().clock.now());
    const { attempts, attemptsBefore } = await waitingDelivery(api().store, webhook.id, due.id);
    assert.deepEqual([attempts, attemptsBefore], [1, 0]);
    assert.deepEqual(await shown(ids[2] ?? ''), before);
    assert.equal((await again()).count, 0);
  });

  it('takes only those created since a time', async () => {
    const { webhook, ids } = await put({ ...FAILED, createdAt: T0 - 1 }, { ...FAILED, createdAt: T0 });
    assert.equal((await retryMany(`${failedOf(webhook)} AND create_time >= 2026-01-01T00:00:00Z`)).count, 1);
    assert.equal((await shown(ids[0] ?? '')).state, Delivery_State.FAILED);
    assert.equal((await shown(ids[1] ?? '')).state, Delivery_State.PENDING);
  });

  it('leaves out those whose event was erased, and goes on', async () => {
    const { webhook } = await put({ ...FAILED, callerId: 'gone' }, FAILED);
    await api().store.purgeEvents([{ namespace: 'default', id: 'gone' }]);
    const { count, nextPageToken } = await retryMany(failedOf(webhook));
    assert.deepEqual([count, nextPageToken], [1, '']);
  });

  it('takes about 10,000 a call, oldest first, and goes on from its token', async () => {
    const { store } = api();
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const ids: string[] = [];
    for (let batch = 0; batch < 5; batch++) {
      const publication = aPublication(Array.from({ length: 2001 }, () => webhook.id));
      ids.push(...publication.deliveries.map(({ id }) => id));
      await store.publish([publication]);
    }
    const [lane] = await store.topUp([{ webhookId: webhook.id, limit: 20_000, ordered: true }]);
    const fail = (delivery: NonNullable<typeof lane>['deliveries'][number]) => ({
      delivery,
      attempt: anAttempt(1, 500),
      transition: EXHAUSTED,
      now: T0,
    });
    await store.settle(lane?.deliveries.map(fail) ?? [], []);
    const first = await retryMany(failedOf(webhook));
    assert.equal(first.count, 10_000);
    assert.equal((await shown(ids.at(-1) ?? '')).state, Delivery_State.FAILED);
    const pageToken = first.nextPageToken;
    assert.deepEqual(Object.keys(await violations(retryMany(`${failedOf(webhook)} `, { pageToken }))), [
      'page_token',
    ]);
    const second = await retryMany(failedOf(webhook), { pageToken });
    assert.deepEqual([second.count, second.nextPageToken], [5, '']);
  });

  it('takes nothing of another namespace, and passes over what SUCCEEDED', async () => {
    const theirs = aWebhook({ namespace: 'acme' });
    await api().store.createWebhooks([theirs]);
    await aDeliveryThat(api().store, theirs.id, FAILED);
    const { ids } = await put({ status: 200 }, FAILED);
    assert.equal((await retryMany(`webhook_uid = ${theirs.id}`)).count, 0);
    assert.equal((await retryMany(`id = ${ids[0]} OR id = ${ids[1]}`)).count, 1);
  });

  it('refuses a request that names nothing, or a filter that is none, in every protocol', async () => {
    for (const transport of Object.values(api().transports)) {
      const client = createClient(DeliveryService, transport);
      assert.deepEqual(Object.keys(await violations(client.retryDelivery({}))), ['id']);
      assert.deepEqual(Object.keys(await violations(client.retryDeliveries({}))), ['filter']);
      const bad = await violations(client.retryDeliveries({ filter: 'state = LOST' }));
      assert.match(bad.filter ?? '', /^at character 9/);
    }
  });

  it('can be sent again, fail, and be sent again', async () => {
    const { webhook, ids } = await put(FAILED);
    const [id = ''] = ids;
    await retry(id);
    await settle(api().store, webhook.id, id, EXHAUSTED, anAttempt(2, 500));
    await retry(id);
    const { attempts, attemptsBefore } = await waitingDelivery(api().store, webhook.id, id);
    assert.deepEqual([attempts, attemptsBefore], [2, 2]);
  });
});
