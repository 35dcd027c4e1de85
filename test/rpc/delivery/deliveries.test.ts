import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, createClient } from '@connectrpc/connect';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import type { Attempt } from '../../../src/domain/delivery/attempt.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { NewDelivery } from '../../../src/store/intake.ts';
import { aDeliveryThat, type Fate } from '../../support/deliveries.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';
import { aDelivery, anAttempt, aPublication, aWebhook, T0 } from '../../support/store.ts';

const EXHAUSTED = { to: 'FAILED', reason: 'EXHAUSTED' } as const;

describe('ListDeliveries', () => {
  const api = sharedApi();

  async function put(...fates: Fate[]): Promise<{ webhook: Webhook; ids: string[] }> {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    const ids: string[] = [];
    for (const fate of fates) ids.push(await aDeliveryThat(api().store, webhook.id, fate));
    return { webhook, ids };
  }
  const list = async (query: object) => {
    const { deliveries } = await api().deliveries.listDeliveries(query);
    return deliveries.map(({ id }) => id);
  };

  it('finds by every field of a filter, and by all of them together', async () => {
    const { webhook, ids } = await put(
      { type: 'order.paid', status: 200 },
      { type: 'order.refused', status: 503, to: EXHAUSTED, callerId: 'my-order' },
      { type: 'user.created', status: 404, to: EXHAUSTED, createdAt: T0 + 5000 },
      { type: 'order', createdAt: T0 + 10_000 },
    );
    const [paid, refused, created, order] = ids as [string, string, string, string];
    const found = (filter: string) =>
      list({ filter: `webhook_id = ${webhook.id}${filter === '' ? '' : ` AND ${filter}`}` });
    for (const [filter, expected] of [
      ['', [order, created, refused, paid]],
      ['event_type = order.paid', [paid]],
      ['event_type = order.*', [refused, paid]],
      ['event_type = *', [order, created, refused, paid]],
      ['event_id = my-order', [refused]],
      ['event_id = nobodys', []],
      ['state = FAILED', [created, refused]],
      ['state = PENDING', [order]],
      ['create_time > 2026-01-01T00:00:00Z', [order, created]],
      ['create_time >= 2026-01-01T00:00:05Z AND create_time < 2026-01-01T00:00:10Z', [created]],
      ['create_time = 2026-01-01T00:00:10Z', [order]],
      ['last_response_status = 5xx', [refused]],
      ['last_response_status >= 400', [created, refused]],
      ['last_response_status < 500', [created, paid]],
      ['event_type = order.* AND state = FAILED AND last_response_status = 503', [refused]],
      ['state = FAILED AND state = PENDING', []],
    ] as const) {
      assert.deepEqual(await found(filter), expected, filter);
    }
  });

  it('finds by what no index has, oldest first if that is asked for', async () => {
    const { webhook, ids } = await put(
      { type: 'a', status: 200 },
      { type: 'b', status: 500, to: EXHAUSTED },
      { type: 'c', status: 404, to: EXHAUSTED },
      { type: 'd' },
    );
    const found = (filter: string, orderBy = '') =>
      list({ filter: `webhook_id = ${webhook.id} AND ${filter}`, orderBy });
    for (const [filter, expected] of [
      ['state = FAILED OR state = PENDING', [3, 2, 1]],
      ['NOT state = FAILED', [3, 0]],
      ['state != SUCCEEDED AND last_response_status:*', [2, 1]],
      ['event_type = a OR event_type = d', [3, 0]],
      ['event_type = a OR state = FAILED', [2, 1, 0]],
      ['-(event_type = a OR last_response_status = 5xx)', [3, 2]],
      ['attempt_count >= 1 AND finish_time:*', [2, 1, 0]],
      ['state_reason = EX*', [2, 1]],
    ] as const) {
      const newest = expected.map((n) => ids[n]);
      assert.deepEqual(await found(filter), newest, filter);
      assert.deepEqual(await found(filter, 'create_time'), newest.toReversed(), filter);
    }
    const none = await put({ status: 200 });
    assert.deepEqual(
      await list({ filter: `webhook_id = ${webhook.id} OR webhook_id = ${none.webhook.id}` }),
      [...none.ids, ...ids.toReversed()],
    );
    assert.deepEqual(await list({ filter: 'webhook_id = nobody OR webhook_id = nothing' }), []);
  });

  it('refuses an order that it does not have, and says which there are', async () => {
    const found = await violations(api().deliveries.listDeliveries({ orderBy: 'event_type' }));
    assert.match(found.order_by ?? '', /one of create_time, create_time desc/);
  });

  it('goes on through pages of a filter, with nothing twice and nothing left out', async () => {
    const fates = Array.from({ length: 60 }, (_, n) =>
      n % 2 === 0 ? { status: 200 } : { status: 500, to: EXHAUSTED },
    );
    const { webhook, ids } = await put(...fates);
    const filter = `webhook_id = ${webhook.id} AND state = FAILED`;
    const query = { filter, pageSize: 7 };
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await api().deliveries.listDeliveries({ ...query, pageToken });
      seen.push(...page.deliveries.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.deepEqual(seen, ids.filter((_, n) => n % 2 === 1).reverse());
    const { nextPageToken } = await api().deliveries.listDeliveries(query);
    const other = api().deliveries.listDeliveries({
      ...query,
      filter: 'state = SUCCEEDED',
      pageToken: nextPageToken,
    });
    assert.deepEqual(Object.keys(await violations(other)), ['page_token']);
  });

  it('refuses a filter that it cannot read in every protocol, and says where', async () => {
    for (const transport of Object.values(api().transports)) {
      const call = createClient(DeliveryService, transport).listDeliveries({ filter: 'state = FAILED OR x' });
      const { filter } = await violations(call);
      assert.match(filter ?? '', /^at its end: expected an operator after x/);
    }
    assert.deepEqual(
      Object.keys(await violations(api().deliveries.listDeliveries({ filter: 'x'.repeat(4097) }))),
      ['filter'],
    );
  });

  it('shows nothing of another namespace', async () => {
    const webhook = aWebhook({ namespace: 'acme' });
    await api().store.createWebhooks([webhook]);
    await api().store.publish([aPublication([webhook.id], { event: { namespace: 'acme' } })]);
    assert.deepEqual(await list({ filter: `webhook_id = ${webhook.id}` }), []);
  });
});

describe('GetDelivery', () => {
  const api = sharedApi();

  async function put(fate: Fate): Promise<string> {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    return aDeliveryThat(api().store, webhook.id, fate);
  }

  it('shows what was sent, to which address, where the time went, and what was answered', async () => {
    const attempt: Attempt = {
      ...anAttempt(1, 503),
      requestHeaders: ['webhook-id', 'msg_1', 'x-twice', 'a', 'x-twice', 'b'],
    };
    const id = await put({ type: 'order.paid', callerId: 'order-7', attempt, to: EXHAUSTED });
    for (const transport of Object.values(api().transports)) {
      const { delivery } = await createClient(DeliveryService, transport).getDelivery({ id });
      assert.deepEqual(
        [delivery?.eventId, delivery?.eventType, delivery?.lastResponseStatus, delivery?.stateReason],
        ['order-7', 'order.paid', 503, 'EXHAUSTED'],
      );
      const [shown] = delivery?.attempts ?? [];
      assert.deepEqual(shown?.requestHeaders, { 'webhook-id': 'msg_1', 'x-twice': 'a, b' });
      assert.equal(shown.remoteAddress, '127.0.0.1:9');
      assert.equal(Buffer.from(shown.responseBody).toString(), 'ok');
      const { dns, connect, tls, wait, read } = shown.timing ?? {};
      assert.deepEqual(
        [dns, connect?.nanos, tls, wait?.nanos, read?.nanos],
        [undefined, 500_000, undefined, 10_000_000, 2_000_000],
      );
    }
  });

  const shown = async (id: string) => (await api().deliveries.getDelivery({ id })).delivery!;
  const bodyOf = async (id: string) => Buffer.from((await shown(id)).requestBody).toString();

  it('shows the URL that it went to, also after the webhook points elsewhere, and the webhook’s name as it is now', async () => {
    const webhook = aWebhook({ spec: { name: 'before', destination: 'http://127.0.0.1:9/other' } });
    await api().store.createWebhooks([webhook]);
    const id = await aDeliveryThat(api().store, webhook.id, { status: 200 });
    await api().webhooks.update({
      webhook: { id: webhook.id, name: 'after' },
      updateMask: { paths: ['name'] },
    });
    const { webhookName, attempts } = await shown(id);
    assert.deepEqual([webhookName, attempts[0]?.requestUrl], ['after', 'http://127.0.0.1:9/hook']);
    const { deliveries } = await api().deliveries.listDeliveries({ filter: `webhook_id = ${webhook.id}` });
    assert.deepEqual(
      deliveries.map((each) => [each.webhookName, each.requestBody.length]),
      [['after', 0]],
    );
  });

  it('shows the body that is sent, in the format that it is sent in, until its event is erased', async () => {
    const bodies: [NewDelivery['format'], string][] = [
      ['BODY', 'Hello joe'],
      ['ENVELOPE', '{"type":"greeted","timestamp":"2026-01-01T00:00:00.000Z","data":"Hello joe"}'],
      ['RENDERED', 'Dear Joe'],
    ];
    for (const [format, body] of bodies) {
      const webhook = aWebhook();
      await api().store.createWebhooks([webhook]);
      const rendered = { headers: {}, body: Buffer.from('Dear Joe') };
      const delivery = aDelivery(webhook.id, { format, ...(format === 'RENDERED' && { rendered }) });
      const publication = aPublication([], { event: { type: 'greeted' } });
      await api().store.publish([{ ...publication, deliveries: [delivery] }]);
      const { requestBody, requestBodySize } = await shown(delivery.id);
      assert.equal(Buffer.from(requestBody).toString(), body);
      assert.equal(requestBodySize, BigInt(body.length));
      await api().events.purgeEvent({ id: publication.event.id });
      assert.deepEqual((await shown(delivery.id)).requestBody.length, 0);
    }
  });

  it('shows 64 KiB of a long body, and how long it is', async () => {
    const body = new Uint8Array(100_000).fill(0x61);
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    const publication = aPublication([webhook.id], { event: { body } });
    await api().store.publish([publication]);
    const { requestBody, requestBodySize } = await shown(publication.deliveries[0]!.id);
    assert.deepEqual([requestBody.length, requestBodySize], [65_536, 100_000n]);
  });

  it('shows no body where none could be made', async () => {
    const id = await put({ to: { to: 'FAILED', reason: 'RENDER', message: 'a template failed' } });
    assert.deepEqual([(await shown(id)).stateReason, await bodyOf(id)], ['RENDER', '']);
  });

  it('shows why there was no answer', async () => {
    const attempt: Attempt = {
      number: 1,
      requestHeaders: [],
      outcome: {
        kind: 'failed',
        errorClass: 'CONNECT',
        message: 'refused',
        startedAt: T0,
        durationMs: 3,
        timing: {},
      },
    };
    const { delivery } = await api().deliveries.getDelivery({ id: await put({ attempt, to: EXHAUSTED }) });
    const [shown] = delivery?.attempts ?? [];
    assert.deepEqual(
      [
        shown?.errorClass,
        shown?.errorMessage,
        shown?.responseStatus,
        shown?.remoteAddress,
        shown?.timing?.wait,
      ],
      ['CONNECT', 'refused', 0, '', undefined],
    );
    assert.equal(delivery?.lastResponseStatus, 0);
  });

  it('shows the status of an answer whose body was not whole, and what was wrong with that', async () => {
    const attempt: Attempt = {
      number: 1,
      requestHeaders: [],
      outcome: {
        kind: 'answered',
        status: 200,
        headers: {},
        body: new Uint8Array(),
        truncated: true,
        bodyFault: { errorClass: 'RESET', message: 'cut off' },
        startedAt: T0,
        durationMs: 3,
        timing: {},
      },
    };
    const id = await put({ attempt, to: { to: 'SUCCEEDED' } });
    const { delivery } = await api().deliveries.getDelivery({ id });
    const [shown] = delivery?.attempts ?? [];
    assert.deepEqual(
      [shown?.responseStatus, shown?.errorClass, shown?.errorMessage],
      [200, 'RESET', 'cut off'],
    );
  });

  it('knows no delivery of another namespace', async () => {
    const webhook = aWebhook({ namespace: 'acme' });
    await api().store.createWebhooks([webhook]);
    const publication = aPublication([webhook.id], { event: { namespace: 'acme' } });
    await api().store.publish([publication]);
    const error = await refusal(api().deliveries.getDelivery({ id: publication.deliveries[0]?.id ?? '' }));
    assert.equal(error.code, Code.NotFound);
  });
});
