import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Client, Code, createClient } from '@connectrpc/connect';
import { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import { Namespace_State as State } from '../../../gen/carillon/v1/namespace_pb.ts';
import { ErrorInfoSchema, RetryInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { sweepAll } from '../../store/conformance/harness.ts';
import { type RunningApi, refusal, sharedApi, startApi, violations } from '../../support/rpc.ts';

const destination = 'http://127.0.0.1:9999/hook';

function admin({ transports }: RunningApi): Client<typeof AdminService> {
  return createClient(AdminService, transports.connect);
}

async function reasonOf(call: Promise<unknown>): Promise<[Code, string | undefined]> {
  const error = await refusal(call);
  return [error.code, error.findDetails(ErrorInfoSchema)[0]?.reason];
}

async function toItsEnd(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

describe('A namespace', () => {
  const api = sharedApi();
  const orders = (namespace: string, name = 'orders') =>
    api().webhooks.register({ webhook: { namespace, name, destination, eventTypes: ['order.*'] } });
  const paid = (namespace: string) => api().events.publish({ event: { namespace, type: 'order.paid' } });

  it('is made, shows what was asked for and what applies, and is listed', async () => {
    const quotas = { webhooks: 2, publishRate: { perSecond: 10, burst: 5 } };
    const { namespace } = await admin(api()).createNamespace({ name: 'acme', quotas });
    assert.deepEqual([namespace?.name, namespace?.state], ['acme', State.ACTIVE]);
    assert.deepEqual([namespace?.quotas?.webhooks, namespace?.quotas?.waiting], [2, 0]);
    assert.deepEqual(
      [namespace?.effective?.webhooks, namespace?.effective?.waiting, namespace?.effective?.payloadBytes],
      [2, 1_000_000, 1_048_576],
    );
    assert.deepEqual(await reasonOf(admin(api()).createNamespace({ name: 'acme' })), [
      Code.AlreadyExists,
      'NAMESPACE_ALREADY_EXISTS',
    ]);
    const first = await admin(api()).listNamespaces({ pageSize: 1 });
    const second = await admin(api()).listNamespaces({ pageSize: 1, pageToken: first.nextPageToken });
    assert.deepEqual(
      [...first.namespaces, ...second.namespaces].map(({ name }) => name),
      ['acme', 'default'],
    );
    for (const name of ['Acme', '-a', 'a b', 'a'.repeat(64)]) {
      assert.deepEqual(Object.keys(await violations(admin(api()).createNamespace({ name }))), ['name'], name);
    }
  });

  it('has webhooks, events and ids of its own', async () => {
    await admin(api()).createNamespace({ name: 'mine' });
    await admin(api()).createNamespace({ name: 'theirs' });
    const [mine, theirs] = [await orders('mine'), await orders('theirs')];
    const { deliveryCount } = await paid('mine');
    assert.equal(deliveryCount, 1);
    const { webhook } = theirs;
    assert.deepEqual(await reasonOf(api().webhooks.get({ namespace: 'mine', id: webhook!.uid })), [
      Code.NotFound,
      'WEBHOOK_NOT_FOUND',
    ]);
    const { deliveries } = await api().deliveries.listDeliveries({ namespace: 'theirs' });
    assert.deepEqual(deliveries, []);
    const filter = `webhook_uid = ${mine.webhook!.uid}`;
    assert.deepEqual((await api().deliveries.listDeliveries({ namespace: 'theirs', filter })).deliveries, []);
    const { namespace } = await admin(api()).getNamespace({ name: 'mine' });
    assert.deepEqual([namespace?.usage?.webhooks, namespace?.usage?.waiting], [1n, 1n]);
  });

  it('has no more webhooks than it may, and may have more once its quota is raised', async () => {
    const { namespace } = await admin(api()).createNamespace({ name: 'small', quotas: { webhooks: 1 } });
    await orders('small');
    assert.equal((await orders('small')).created, false, 'the same again is no other');
    assert.deepEqual(await reasonOf(orders('small', 'more')), [Code.ResourceExhausted, 'TOO_MANY_WEBHOOKS']);
    const stale = { name: 'small', quotas: { webhooks: 2 }, etag: 'stale' };
    assert.deepEqual(await reasonOf(admin(api()).updateNamespace(stale)), [Code.Aborted, 'ETAG_MISMATCH']);
    await admin(api()).updateNamespace({ ...stale, etag: namespace!.etag });
    assert.equal((await orders('small', 'more')).created, true);
    const less = { name: 'small', quotas: { webhooks: 1 } };
    assert.match(
      (await violations(admin(api()).updateNamespace(less)))['quotas.webhooks'] ?? '',
      /the 2 webhooks/,
    );
    const masked = await admin(api()).updateNamespace({ name: 'small', updateMask: { paths: ['webhooks'] } });
    assert.equal(masked.namespace?.quotas?.webhooks, 0);
  });

  it('publishes as fast as it may, and no larger data than it may', async () => {
    const quotas = { publishRate: { perSecond: 0.5, burst: 2 }, payloadBytes: 3 };
    await admin(api()).createNamespace({ name: 'slow', quotas });
    await paid('slow');
    const events = [1, 2, 3].map(() => ({ event: { namespace: 'slow', type: 'a' } }));
    const { results } = await api().events.publishBatch({ requests: events });
    assert.deepEqual(
      results.map(({ result }) => result.case),
      ['response', 'error', 'error'],
    );
    const error = await refusal(paid('slow'));
    assert.deepEqual(await reasonOf(paid('slow')), [Code.ResourceExhausted, 'PUBLISH_RATE_EXCEEDED']);
    const [retry] = error.findDetails(RetryInfoSchema);
    assert.equal(Number(retry?.retryDelay?.seconds), 2);
    await paid('default');
    api().clock.advance(2_000);
    const data = { case: 'text', value: 'four' } as const;
    const large = api().events.publish({ event: { namespace: 'slow', type: 'a', data } });
    assert.match((await violations(large))['event.text'] ?? '', /at most 3/);
    await paid('slow');
  });

  it('that is suspended takes nothing that would ring, and can be read and managed', async () => {
    await admin(api()).createNamespace({ name: 'late' });
    const { webhook } = await orders('late');
    await paid('late');
    const { deliveries } = await api().deliveries.listDeliveries({ namespace: 'late' });
    const named = { namespace: 'late', id: deliveries[0]!.id };
    await admin(api()).suspendNamespace({ name: 'late' });
    const suspended = [Code.FailedPrecondition, 'NAMESPACE_SUSPENDED'];
    const hook = { namespace: 'late', id: webhook!.id };
    const ids = { case: 'ids' as const, value: { ids: ['a'] } };
    for (const call of [
      () => paid('late'),
      () => api().webhooks.trigger(hook),
      () => api().webhooks.backfill({ ...hook, startTime: { seconds: 1n }, endTime: { seconds: 2n } }),
      () => api().events.replayEvents({ namespace: 'late', events: ids }),
      () => api().deliveries.retryDelivery(named),
      () => api().deliveries.retryDeliveries({ namespace: 'late', filter: 'state = FAILED' }),
    ]) {
      assert.deepEqual(await reasonOf(call()), suspended, String(call));
    }
    const batch = { requests: ['late', 'default'].map((namespace) => ({ event: { namespace, type: 'a' } })) };
    const { results } = await api().events.publishBatch(batch);
    assert.deepEqual(
      results.map(({ result }) => result.case),
      ['error', 'response'],
    );
    assert.equal((await api().webhooks.list({ namespace: 'late' })).webhooks.length, 1);
    assert.equal((await api().deliveries.getDelivery(named)).delivery?.id, named.id);
    await api().webhooks.pause(hook);
    await orders('late', 'another');
    await api().deliveries.cancelDelivery(named);
    await admin(api()).resumeNamespace({ name: 'late' });
    await paid('late');
  });

  it('that has webhooks is deleted only by force, and `default` never', async () => {
    await admin(api()).createNamespace({ name: 'full' });
    await orders('full');
    assert.deepEqual(await reasonOf(admin(api()).deleteNamespace({ name: 'full' })), [
      Code.FailedPrecondition,
      'NAMESPACE_NOT_EMPTY',
    ]);
    assert.deepEqual(await reasonOf(admin(api()).deleteNamespace({ name: 'default', force: true })), [
      Code.FailedPrecondition,
      'NAMESPACE_PERMANENT',
    ]);
    await orders('full');
  });
});

describe('A namespace that is deleted', () => {
  it('stops at once, ends watches, and frees its name when all is gone', async () => {
    await using api = await startApi({ settings: { watch: { restMs: 1, pollMinMs: 5, pollMaxMs: 5 } } });
    const client = admin(api);
    await client.createNamespace({ name: 'leaving' });
    const webhook = { namespace: 'leaving', name: 'orders', destination, eventTypes: ['*'] };
    await api.webhooks.register({ webhook });
    const event = { namespace: 'leaving', id: 'order-7', type: 'order.paid' };
    await api.events.publish({ event });
    const watch = refusal(toItsEnd(api.deliveries.watchDeliveries({ namespace: 'leaving' })));

    const { namespace } = await client.deleteNamespace({ name: 'leaving', force: true, requestId: 'bye' });
    assert.equal(namespace?.state, State.DELETING);
    const deleting = [Code.FailedPrecondition, 'NAMESPACE_DELETING'];
    assert.equal((await watch).findDetails(ErrorInfoSchema)[0]?.reason, 'NAMESPACE_DELETING');
    for (const call of [
      () => api.webhooks.list({ namespace: 'leaving' }),
      () => api.events.getEvent({ namespace: 'leaving', id: 'order-7' }),
      () => api.events.publish({ event }),
      () => api.webhooks.register({ webhook }),
      () => client.createNamespace({ name: 'leaving' }),
      () => client.resumeNamespace({ name: 'leaving' }),
      () => client.updateNamespace({ name: 'leaving', quotas: { webhooks: 1 } }),
    ]) {
      assert.deepEqual(await reasonOf(call()), deleting, String(call));
    }
    const again = await client.deleteNamespace({ name: 'leaving' });
    assert.equal(again.namespace?.etag, namespace?.etag, 'once more changes nothing');

    await sweepAll(api.store, { now: api.clock.now() });
    assert.deepEqual(await reasonOf(client.getNamespace({ name: 'leaving' })), [
      Code.NotFound,
      'NAMESPACE_NOT_FOUND',
    ]);
    assert.deepEqual(await reasonOf(api.webhooks.list({ namespace: 'leaving' })), [
      Code.NotFound,
      'NAMESPACE_NOT_FOUND',
    ]);
    const repeated = await client.deleteNamespace({ name: 'leaving', force: true, requestId: 'bye' });
    assert.equal(repeated.namespace?.state, State.DELETING, 'the call that has a name has its answer');
    await client.createNamespace({ name: 'leaving' });
    assert.equal((await api.events.publish({ event })).duplicate, false);
    assert.deepEqual((await api.webhooks.list({ namespace: 'leaving' })).webhooks, []);
  });
});
