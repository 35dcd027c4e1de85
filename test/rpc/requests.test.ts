import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { Delivery_State } from '../../gen/carillon/v1/delivery_pb.ts';
import { Webhook_State } from '../../gen/carillon/v1/webhook_pb.ts';
import { RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { DomainError } from '../../src/domain/error.ts';
import { createPublisher } from '../../src/publish/publisher.ts';
import { createReplayer } from '../../src/publish/replayer.ts';
import { createDirectory } from '../../src/store/directory.ts';
import type { Store } from '../../src/store/store.ts';
import { aDeliveryThat, settle } from '../support/deliveries.ts';
import {
  fieldsOf,
  type JsonError,
  jsonFieldsOf,
  type RunningApi,
  refusal,
  sharedApi,
  startApi,
  violations,
} from '../support/rpc.ts';
import { aTenant, T0 } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const FAILED = { to: 'FAILED', reason: 'EXHAUSTED' } as const;
const ids = (...all: string[]) => ({ case: 'ids', value: { ids: all } }) as const;

let count = 0;
const aName = () => `request-${++count}`;

async function aHook(api: RunningApi, eventTypes = ['order.paid']): Promise<string> {
  const webhook = { name: `hook-${++count}`, destination: DESTINATION, eventTypes };
  return (await api.webhooks.register({ webhook })).webhook?.id ?? '';
}

const deliveriesOf = async (api: RunningApi, webhookId: string) =>
  (await api.deliveries.listDeliveries({ filter: `webhook_id = ${webhookId}`, pageSize: 1_000 })).deliveries;

describe('A call with a request_id', () => {
  const api = sharedApi();

  it('that registers has the same secret when it is made again', async () => {
    const webhook = { name: 'twice', destination: DESTINATION, labels: { a: '1', b: '2' } };
    const order = { webhook, requestId: aName() };
    const first = await api().webhooks.register(order);
    assert.match(first.secret, /^whsec_/);
    assert.ok(first.created);
    await api().webhooks.update({ webhook: { id: first.webhook!.id, labels: { c: '3' } } });
    assert.deepEqual(await api().webhooks.register(order), first);
    // The same content, written in another order.
    const turned = { ...webhook, labels: { b: '2', a: '1' } };
    assert.deepEqual(await api().webhooks.register({ ...order, webhook: turned }), first);
    const fresh = await api().webhooks.register({ webhook });
    assert.deepEqual([fresh.secret, fresh.created], ['', false]);
  });

  it('that rings, rings once', async () => {
    const id = await aHook(api());
    const order = { id, requestId: aName() };
    const first = await api().webhooks.trigger(order);
    assert.deepEqual(await api().webhooks.trigger(order), first);
    const made = await deliveriesOf(api(), id);
    assert.deepEqual(
      made.map((delivery) => delivery.id),
      [first.deliveryId],
    );
    await api().webhooks.trigger({ id });
    await api().webhooks.trigger({ id, requestId: aName() });
    assert.equal((await deliveriesOf(api(), id)).length, 3);
  });

  it('that publishes, publishes once, one event or many', async () => {
    const id = await aHook(api(), ['twice.*']);
    const order = { event: { type: 'twice.one' }, requestId: aName() };
    const first = await api().events.publish(order);
    assert.deepEqual(await api().events.publish(order), first);
    assert.equal(first.duplicate, false);
    const batch = {
      requests: [{ event: { type: 'twice.two' } }, { event: { type: '' } }],
      requestId: aName(),
    };
    const results = await api().events.publishBatch(batch);
    assert.deepEqual(await api().events.publishBatch(batch), results);
    assert.equal((await deliveriesOf(api(), id)).length, 2);
  });

  it('that replays, tries again, cancels, pauses, resumes, changes, purges or removes does so once', async () => {
    const id = await aHook(api(), ['all.*']);
    await api().events.publish({ event: { id: 'all-1', type: 'all.done' } });
    const replay = { events: ids('all-1'), requestId: aName() };
    const replayed = await api().events.replayEvents(replay);
    assert.equal(replayed.deliveryCount, 1);
    assert.deepEqual(await api().events.replayEvents(replay), replayed);
    const [latest, first] = await deliveriesOf(api(), id);

    await settle(api().store, await uidOf(id), first!.id, FAILED);
    const again = { id: first!.id, requestId: aName() };
    const tried = await api().deliveries.retryDelivery(again);
    await settle(api().store, await uidOf(id), first!.id, FAILED);
    assert.deepEqual(await api().deliveries.retryDelivery(again), tried);
    assert.equal(
      (await api().store.getDelivery({ namespace: 'default', id: first!.id }))?.state,
      'FAILED',
      'it is not tried a third time',
    );

    const cancel = { id: latest!.id, requestId: aName() };
    const cancelled = await api().deliveries.cancelDelivery(cancel);
    await settle(api().store, await uidOf(id), latest!.id, { to: 'CANCELLED', reason: 'REQUESTED' });
    assert.deepEqual(await api().deliveries.cancelDelivery(cancel), cancelled);

    const { webhook: seen } = await api().webhooks.get({ id });
    const pause = { id, etag: seen!.etag, requestId: aName() };
    const paused = await api().webhooks.pause(pause);
    const resume = { id, etag: paused.webhook!.etag, requestId: aName() };
    const resumed = await api().webhooks.resume(resume);
    const change = {
      webhook: { id, etag: resumed.webhook!.etag, labels: { a: 'b' } },
      requestId: aName(),
    };
    const changed = await api().webhooks.update(change);
    // Their etags are stale by now.
    assert.deepEqual(await api().webhooks.pause(pause), paused);
    assert.deepEqual(await api().webhooks.resume(resume), resumed);
    assert.deepEqual(await api().webhooks.update(change), changed);
    const { traffic, ...found } = (await api().webhooks.get({ id })).webhook!;
    assert.equal(traffic?.waitingCount, 0n);
    assert.deepEqual(found, changed.webhook);

    const purge = { id: 'all-1', requestId: aName() };
    await api().events.publish({ event: { id: 'all-2', type: 'all.done' } });
    const purged = await api().events.purgeEvent(purge);
    assert.deepEqual(await api().events.purgeEvent(purge), purged);
    const remove = { id, requestId: aName() };
    const removed = await api().webhooks.remove(remove);
    assert.deepEqual(await api().webhooks.remove(remove), removed);
  });

  const uidOf = async (id: string) => (await api().webhooks.get({ id })).webhook!.uid;

  it('is ALREADY_EXISTS for other content and for another method, and request_id is named', async () => {
    const id = await aHook(api());
    const requestId = aName();
    await api().webhooks.pause({ id, requestId });
    for (const call of [
      () => api().webhooks.pause({ id: 'other', requestId }),
      () => api().webhooks.resume({ id, requestId }),
      () => api().webhooks.register({ webhook: { name: 'x', destination: DESTINATION }, requestId }),
    ]) {
      const error = await refusal(call());
      assert.equal(error.code, Code.AlreadyExists);
      assert.deepEqual(Object.keys(fieldsOf(error)), ['request_id']);
    }
    assert.equal((await api().webhooks.get({ id })).webhook?.stateReason, '');
  });

  it('can be asked with the same name once what was wrong with it is mended', async () => {
    const requestId = aName();
    const webhook = { name: 'mended', destination: 'ftp://x' };
    assert.deepEqual(Object.keys(await violations(api().webhooks.register({ webhook, requestId }))), [
      'webhook.destination',
    ]);
    const mended = { webhook: { ...webhook, destination: DESTINATION }, requestId };
    assert.ok((await api().webhooks.register(mended)).created);
  });

  it('is not remembered when it only asks what would be done', async () => {
    const webhook = { name: 'planned', destination: DESTINATION };
    const requestId = aName();
    assert.ok((await api().webhooks.register({ webhook, validateOnly: true, requestId })).created);
    const { secret } = await api().webhooks.register({ webhook, requestId });
    assert.match(secret, /^whsec_/);
  });

  it('is refused with a name that is too long, whatever else is checked by whom', async () => {
    const requestId = '𝄞'.repeat(65);
    const webhook = { name: 'long', destination: DESTINATION };
    for (const call of [
      api().webhooks.register({ webhook, requestId }),
      api().webhooks.update({ webhook: { id: 'x' }, requestId }),
      api().webhooks.trigger({ id: 'x', requestId }),
      api().events.publish({ event: { type: 'a' }, requestId }),
      api().events.publishBatch({ requests: [{ event: { type: 'a' } }], requestId }),
      api().deliveries.cancelDelivery({ id: 'x', requestId }),
    ]) {
      assert.deepEqual(Object.keys(await violations(call)), ['request_id']);
    }
    assert.ok((await api().webhooks.register({ webhook, requestId: '𝄞'.repeat(64) })).created);
  });

  it('is remembered in its own tenant, and without a name it is not', async () => {
    const claimed: string[] = [];
    await using watched = await startApi({
      deps: (parts) => ({
        ...parts,
        store: {
          ...parts.store,
          claimRequests: (batch) => {
            claimed.push(...batch.map(({ namespace, requestId }) => `${namespace}/${requestId}`));
            return parts.store.claimRequests(batch);
          },
        },
      }),
    });
    const webhook = { name: 'x', destination: DESTINATION };
    for (const call of [
      watched.webhooks.pause({ id: 'x', namespace: 'acme', requestId: 'a' }),
      watched.webhooks.register({ webhook: { ...webhook, namespace: 'acme' }, requestId: 'b' }),
      watched.events.publish({ event: { type: 'x', namespace: 'acme' }, requestId: 'c' }),
    ]) {
      assert.equal((await refusal(call)).rawMessage, 'there is no namespace acme');
    }
    await watched.webhooks.register({ webhook });
    assert.deepEqual(claimed, []);
    await watched.webhooks.register({ webhook, requestId: 'd' });
    await watched.webhooks.register({ webhook: { ...webhook, namespace: 'default' }, requestId: 'e' });
    await watched.store.createNamespaces([aTenant('acme')]);
    // The same name, content and all, in another tenant is another call.
    const theirs = await watched.webhooks.register({
      webhook: { ...webhook, namespace: 'acme' },
      requestId: 'd',
    });
    assert.equal(theirs.created, true);
    assert.deepEqual(claimed, ['default/d', 'default/e', 'acme/d']);
  });

  it('is a call, and no event of a batch', async () => {
    const requests = [{ event: { type: 'among' }, requestId: aName() }];
    const { results } = await api().events.publishBatch({ requests });
    const [{ result } = { result: undefined }] = results;
    assert.ok(result?.case === 'error');
    assert.match(result.value.message, /request_id: .*give the event an id/);
  });

  it('is a call, and no registration of a batch', async () => {
    const requests = [{ webhook: { name: 'among', destination: DESTINATION }, requestId: aName() }];
    const { results } = await api().webhooks.batchRegister({ requests });
    const [{ result } = { result: undefined }] = results;
    assert.ok(result?.case === 'error');
    assert.match(result.value.message, /request_id: .*give the batch a request_id/);
  });

  it('is named in the log, and so is its being made again', async () => {
    const id = await aHook(api());
    const requestId = aName();
    await api().webhooks.trigger({ id, requestId });
    await api().webhooks.trigger({ id, requestId });
    const { fields } = await api().line(
      (line) => line.fields.requestId === requestId && line.fields.repeated === 1,
    );
    assert.equal(fields.rpc, 'carillon.v1.WebhookService/Trigger');
  });

  it('is told when to come back when too much is remembered', async () => {
    await using full = await startApi({
      deps: (parts) => ({
        ...parts,
        store: { ...parts.store, claimRequests: async () => [{ kind: 'FULL' }] },
      }),
    });
    const error = await refusal(full.webhooks.pause({ id: 'x', requestId: aName() }));
    assert.equal(error.code, Code.ResourceExhausted);
    assert.equal(error.findDetails(RetryInfoSchema).length, 1);
  });
});

/** An API of which each verb of the store in `failing` fails once more than it says; `after` lets it be done first. */
async function crashing(after: boolean, ...verbs: (keyof Store)[]) {
  const failing = new Set<PropertyKey>(verbs);
  const wrapped = (store: Store): Store =>
    new Proxy(store, {
      get(target, verb) {
        const given: unknown = Reflect.get(target, verb);
        if (typeof given !== 'function' || !verbs.includes(verb as keyof Store)) return given;
        return async (...args: unknown[]) => {
          const done: unknown = failing.has(verb) && !after ? undefined : await given.apply(target, args);
          if (failing.delete(verb)) throw new DomainError('DATABASE_UNAVAILABLE', 'the disk is full');
          return done;
        };
      },
    });
  return startApi({
    deps: (parts) => {
      const store = wrapped(parts.store as Store);
      const publishing = { ...parts, store, directory: createDirectory({ store }) };
      return {
        ...parts,
        store,
        publisher: createPublisher({ ...publishing, settings: { idempotencyWindowMs: 86_400_000 } }),
        replayer: createReplayer(publishing),
      };
    },
  });
}

describe('A call with a request_id that was broken off', TOGETHER, () => {
  for (const [when, after, verb] of [
    ['before it was done', false, 'publish'],
    ['after it was done, and before that was said', true, 'publish'],
    ['before its answer was remembered', false, 'answerRequests'],
  ] as const) {
    it(`${when} rings once when it is made again`, async () => {
      await using api = await crashing(after, verb);
      const id = await aHook(api);
      const order = { id, requestId: aName() };
      const first = await api.webhooks.trigger(order).catch((error: unknown) => error);
      api.clock.advance(60_000);
      const again = await api.webhooks.trigger(order);
      const made = await deliveriesOf(api, id);
      assert.deepEqual(
        made.map((delivery) => delivery.id),
        [again.deliveryId],
      );
      if (verb === 'publish') assert.equal(ConnectError.from(first).code, Code.Unavailable);
      else assert.deepEqual(first, again);
    });

    it(`${when} publishes once when it is made again`, async () => {
      await using api = await crashing(after, verb);
      const id = await aHook(api);
      const order = { event: { type: 'order.paid' }, requestId: aName() };
      await api.events.publish(order).catch(() => {});
      const { id: eventId } = await api.events.publish(order);
      const made = await deliveriesOf(api, id);
      assert.deepEqual(
        made.map((delivery) => delivery.eventId),
        [eventId],
      );
    });
  }

  it('knows what it rang and cancelled, whatever came of it since', async () => {
    await using api = await crashing(false, 'answerRequests');
    const id = await aHook(api);
    const order = { id, requestId: aName() };
    const { deliveryId } = await api.webhooks.trigger(order);
    await api.webhooks.remove({ id });
    assert.equal((await api.webhooks.trigger(order)).deliveryId, deliveryId);

    await using other = await crashing(false, 'answerRequests');
    const webhookId = await aHook(other);
    const delivery = await aDeliveryThat(other.store, webhookId);
    const cancel = { id: delivery, requestId: aName() };
    await other.deliveries.cancelDelivery(cancel);
    await settle(other.store, webhookId, delivery, { to: 'CANCELLED', reason: 'REQUESTED' });
    const { delivery: given } = await other.deliveries.cancelDelivery(cancel);
    assert.equal(given?.state, Delivery_State.CANCELLED);
    const anew = other.deliveries.cancelDelivery({ id: delivery, requestId: aName() });
    assert.equal((await refusal(anew)).code, Code.FailedPrecondition);
  });

  it('registers many once, and has the secret of each', async () => {
    const requests = ['', 'shop'].map((namespace) => ({
      webhook: { name: 'a', namespace, destination: DESTINATION },
    }));
    for (const after of [true, false]) {
      await using api = await crashing(after, after ? 'createWebhooks' : 'answerRequests');
      await api.store.createNamespaces([aTenant('shop')]);
      const order = { requests, requestId: aName() };
      const first = await api.webhooks.batchRegister(order).catch((error: unknown) => error);
      if (after) assert.equal(ConnectError.from(first).code, Code.Unavailable);
      const again = await api.webhooks.batchRegister(order);
      for (const { result } of again.results) {
        assert.ok(result.case === 'response' && result.value.created);
        assert.match(result.value.secret, /^whsec_/);
      }
      if (!after) assert.deepEqual(again, first);
    }
  });

  it('registers once, and has the secret that its webhook has', async () => {
    for (const after of [true, false]) {
      await using api = await crashing(after, after ? 'createWebhooks' : 'answerRequests');
      const webhook = { name: 'crash', destination: DESTINATION };
      const order = { webhook, requestId: aName() };
      const lost = await api.webhooks.register(order).catch(() => undefined);
      const found = await api.webhooks.register(order);
      assert.ok(found.created);
      assert.match(found.secret, /^whsec_/);
      if (!after) assert.deepEqual(lost, found);
      const { webhooks } = await api.webhooks.list({});
      assert.deepEqual(
        webhooks.map(({ id }) => id),
        [found.webhook?.id],
      );
    }
  });

  it('tries a delivery once more, and no other time when it has failed again meanwhile', async () => {
    await using api = await crashing(false, 'answerRequests');
    const id = await aHook(api);
    const failed = await aDeliveryThat(api.store, id, { status: 500, to: FAILED });
    const other = await aDeliveryThat(api.store, id, { status: 500, to: FAILED });
    api.clock.advance(60_000);
    const order = { filter: `webhook_id = ${id} AND state = FAILED`, requestId: aName() };
    assert.equal((await api.deliveries.retryDeliveries(order)).count, 2);
    for (const delivery of [failed, other]) {
      const [lane] = await api.store.topUp([{ webhookId: id, limit: 10, ordered: true }]);
      const waiting = lane!.deliveries.find((each) => each.id === delivery)!;
      await api.store.settle([{ delivery: waiting, transition: FAILED, now: T0 + 120_000 }], []);
    }
    await api.deliveries.retryDeliveries(order);
    for (const delivery of [failed, other]) {
      assert.equal(
        (await api.store.getDelivery({ namespace: 'default', id: delivery }))?.state,
        'FAILED',
        'it had its second chance',
      );
    }
    await api.deliveries.retryDeliveries({ ...order, requestId: aName() });
    assert.equal((await api.store.getDelivery({ namespace: 'default', id: failed }))?.state, 'PENDING');
  });

  it('does what is idempotent when it is made again', async () => {
    await using api = await crashing(false, 'updateWebhooks');
    const id = await aHook(api);
    const order = { id, requestId: aName() };
    assert.equal((await refusal(api.webhooks.pause(order))).code, Code.Unavailable);
    assert.equal((await refusal(api.webhooks.pause({ ...order, id: 'x' }))).code, Code.AlreadyExists);
    assert.equal((await api.webhooks.pause(order)).webhook?.state, Webhook_State.PAUSED);
  });

  it('replays what is left', async () => {
    await using api = await crashing(true, 'replay');
    const id = await aHook(api);
    // More than one step of a replay.
    for (let i = 0; i < 30; i++) await api.events.publish({ event: { id: `e${i}`, type: 'order.paid' } });
    const order = {
      events: { case: 'range', value: { startTime: { seconds: BigInt(T0 / 1000) } } } as const,
      requestId: aName(),
    };
    assert.equal((await refusal(api.events.replayEvents(order))).code, Code.Unavailable);
    api.clock.advance(5);
    const begun = (await deliveriesOf(api, id)).filter(({ replayOf }) => replayOf !== '').length;
    assert.ok(begun > 0 && begun < 30, `${begun} of 30 were sent`);
    assert.equal((await api.events.replayEvents(order)).deliveryCount, 30);
    const replays = (await deliveriesOf(api, id)).filter(({ replayOf }) => replayOf !== '');
    assert.equal(replays.length, 30);
    assert.equal(new Set(replays.map(({ replayOf }) => replayOf)).size, 30);
  });
});

describe('Idempotency-Key', () => {
  const api = sharedApi();

  async function call(
    verb: string,
    path: string,
    { key, body }: { key?: string; body?: object } = {},
  ): Promise<{ status: number; body: Record<string, unknown>; text: string }> {
    const response = await fetch(api().url + path, {
      method: verb,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text), text };
  }

  it('is the request_id, in quotes or as a word, on REST and on the short paths', async () => {
    const body = { name: 'keyed', destination: DESTINATION };
    const first = await call('POST', '/webhooks', { key: '"key 1"', body });
    const again = await call('POST', '/webhooks', { key: '"key 1"', body });
    assert.deepEqual([first.status, again.status], [201, 201]);
    assert.equal(again.text, first.text);
    const rest = await call('POST', '/v1/webhooks?request_id=key%201', { body });
    assert.deepEqual(rest.body, first.body);
    const { id } = first.body.webhook as { id: string };
    const rung = await call('POST', `/v1/webhooks/${id}:trigger`, { key: 'a-word' });
    const same = await call('POST', `/v1/webhooks/${id}:trigger`, { body: { requestId: 'a-word' } });
    assert.deepEqual(same.body, rung.body);
    const event = { type: 'keyed' };
    const published = await call('POST', '/events', { key: 'event', body: event });
    const repeated = await call('POST', '/events', { key: 'event', body: event });
    assert.deepEqual([published.status, repeated.status], [201, 201]);
    assert.equal(repeated.text, published.text);
  });

  it('is 409 for another call, and names the field', async () => {
    const body = { name: 'conflict', destination: DESTINATION };
    await call('POST', '/v1/webhooks', { key: 'conflict', body });
    const other = await call('POST', '/v1/webhooks', { key: 'conflict', body: { ...body, name: 'other' } });
    assert.equal(other.status, 409);
    assert.match(other.text, /"field":"request_id"/);
    const alias = await call('POST', '/webhooks', { key: 'conflict', body: { ...body, name: 'other' } });
    assert.equal(alias.status, 409);
    assert.deepEqual(jsonFieldsOf(alias.body as unknown as JsonError), ['request_id']);
  });

  it('must be one name, and the same as the field beside it', async () => {
    const body = { name: 'bad', destination: DESTINATION };
    for (const key of ['', '""', 'a b', 'a,b', '"a', 'a"b', '"a" "b"']) {
      const { status, text } = await call('POST', '/v1/webhooks', { key, body });
      assert.deepEqual([status, /Idempotency-Key must be one/.test(text)], [400, true], key);
    }
    const long = await call('POST', '/v1/webhooks', { key: 'k'.repeat(65), body });
    assert.match(long.text, /"field":"request_id"/);
    const both = await call('POST', '/v1/webhooks?request_id=a', { key: 'b', body });
    assert.deepEqual([both.status, /in the Idempotency-Key/.test(both.text)], [400, true]);
  });

  it('is refused where no call has a name, and not minded by what only reads', async () => {
    const response = await fetch(`${api().url}/v1/events:stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'a' },
      body: '{"event": {"type": "a"}}\n',
    });
    assert.match(await response.text(), /takes no request_id/);
    assert.equal((await call('GET', '/v1/webhooks', { key: 'a' })).status, 200);
  });
});
