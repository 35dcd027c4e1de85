import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { sharedApi, violations } from '../../support/rpc.ts';
import { aPublication, aWebhook } from '../../support/store.ts';

describe('List', () => {
  const api = sharedApi();
  const list = (query: object = {}) => api().webhooks.list(query);

  /** Puts webhooks into the store, and returns their ids, ascending. */
  async function put(count: number, overrides: Parameters<typeof aWebhook>[0]): Promise<string[]> {
    const webhooks = Array.from({ length: count }, (_, i) =>
      aWebhook({ ...overrides, spec: { destination: `http://127.0.0.1:9/${i}`, ...overrides?.spec } }),
    );
    await api().store.createWebhooks(webhooks);
    return webhooks.map(({ id }) => id).sort();
  }

  /** The ids of every page. */
  async function walk(query: object): Promise<string[][]> {
    const pages: string[][] = [];
    let pageToken = '';
    do {
      const page = await list({ ...query, pageToken });
      pages.push(page.webhooks.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return pages;
  }

  it('answers in pages, oldest first, with nothing twice and nothing left out', async () => {
    const ids = await put(7, { spec: { name: 'paged' } });
    const pages = await walk({ filter: 'name = paged', pageSize: 3 });
    assert.deepEqual(pages, [ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
  });

  it('has no token for a page that would be empty', async () => {
    const ids = await put(4, { spec: { name: 'even' } });
    assert.deepEqual(await walk({ filter: 'name = even', pageSize: 2 }), [ids.slice(0, 2), ids.slice(2)]);
  });

  it('answers with 50 when no size is given, and with at most 1,000', async () => {
    await put(1001, { spec: { name: 'crowd' } });
    assert.equal((await list({ filter: 'name = crowd' })).webhooks.length, 50);
    const page = await list({ filter: 'name = crowd', pageSize: 5000 });
    assert.equal(page.webhooks.length, 1000);
    assert.notEqual(page.nextPageToken, '');
  });

  it('cuts a page short before it grows too large to be received', async () => {
    const text = 'x'.repeat(900_000);
    const ids = await put(5, {
      spec: {
        name: 'large',
        payload: {
          body: { kind: 'text', text },
          contentType: 'text/plain',
          eventFormat: 'ENVELOPE',
          headerTemplates: {},
        },
      },
    });
    const pages = await walk({ filter: 'name = large', pageSize: 100 });
    assert.deepEqual(pages.flat(), ids);
    assert.ok(pages.every((page) => page.length <= 2));
  });

  it('lets the size of pages change on the way', async () => {
    const ids = await put(5, { spec: { name: 'resized' } });
    const first = await list({ filter: 'name = resized', pageSize: 1 });
    const rest = await list({ filter: 'name = resized', pageSize: 10, pageToken: first.nextPageToken });
    assert.deepEqual(
      rest.webhooks.map(({ id }) => id),
      ids.slice(1),
    );
  });

  it('refuses a token of another query', async () => {
    await put(2, { spec: { name: 'tokens' } });
    const { nextPageToken: pageToken } = await list({ filter: 'name = tokens', pageSize: 1 });
    for (const other of [
      { filter: 'name = other' },
      { filter: 'name = tokens AND state = PAUSED' },
      { filter: 'name = tokens', orderBy: 'create_time desc' },
      {},
    ]) {
      assert.deepEqual(Object.keys(await violations(list({ ...other, pageToken }))), ['page_token']);
    }
    const deliveries = createClient(DeliveryService, api().transports.connect);
    assert.deepEqual(Object.keys(await violations(deliveries.listDeliveries({ pageToken }))), ['page_token']);
  });

  it('refuses a token that was tampered with', async () => {
    await put(2, { spec: { name: 'tampered' } });
    const { nextPageToken } = await list({ filter: 'name = tampered', pageSize: 1 });
    for (const pageToken of [
      nextPageToken.slice(0, -3),
      `${nextPageToken}AA`,
      nextPageToken.slice(0, 12),
      '💥',
      'x'.repeat(512),
    ]) {
      assert.deepEqual(
        Object.keys(await violations(list({ filter: 'name = tampered', pageToken }))),
        ['page_token'],
        pageToken,
      );
    }
  });

  it('finds webhooks by name, state and all of some labels', async () => {
    const red = aWebhook({
      spec: { name: 'found', destination: 'http://127.0.0.1:9/a', labels: { team: 'red', tier: '1' } },
    });
    const blue = aWebhook({
      state: 'PAUSED',
      spec: { name: 'found', destination: 'http://127.0.0.1:9/b', labels: { team: 'blue', tier: '1' } },
    });
    await api().store.createWebhooks([red, blue]);
    const ids = async (filter: string) =>
      (await list({ filter: `name = found AND ${filter}` })).webhooks.map(({ id }) => id);
    assert.deepEqual(await ids('name = *'), [red.id, blue.id].sort());
    assert.deepEqual(await ids('state = PAUSED'), [blue.id]);
    assert.deepEqual(await ids('labels.tier = 1 AND labels.team = red'), [red.id]);
    assert.deepEqual(await ids('labels.team = red AND labels.tier = 2'), []);
    assert.deepEqual(await ids('labels.__proto__ = x'), []);
    assert.deepEqual(await ids('labels.team = red OR state = PAUSED'), [red.id, blue.id].sort());
    assert.deepEqual(await ids('NOT labels.team = red'), [blue.id]);
  });

  it('shows nothing of another namespace', async () => {
    const [id = ''] = await put(1, { namespace: 'acme', spec: { name: 'theirs' } });
    assert.deepEqual((await list({ filter: 'name = theirs' })).webhooks, []);
    assert.notEqual(id, '');
  });

  it('answers over GET, which caches and browsers understand', async () => {
    const ids = await put(1, { spec: { name: 'by-get' } });
    const message = encodeURIComponent(JSON.stringify({ filter: 'name = by-get' }));
    const response = await fetch(
      `${api().url}/carillon.v1.WebhookService/List?connect=v1&encoding=json&message=${message}`,
    );
    const { webhooks } = (await response.json()) as { webhooks: { id: string }[] };
    assert.deepEqual(
      webhooks.map(({ id }) => id),
      ids,
    );
  });
});

describe('ListDeliveries', () => {
  const api = sharedApi();

  it('answers in pages, newest first, of one webhook and of one state', async () => {
    const [mine, other] = [aWebhook(), aWebhook()];
    await api().store.createWebhooks([mine, other]);
    const publications = Array.from({ length: 5 }, () => aPublication([mine.id]));
    await api().store.publish([...publications, aPublication([other.id])]);
    const ids = publications
      .map(({ deliveries: [delivery] }) => delivery?.id ?? '')
      .sort()
      .reverse();

    const query = { filter: `webhook_id = ${mine.id} AND state = PENDING`, pageSize: 3 };
    const first = await api().deliveries.listDeliveries(query);
    const second = await api().deliveries.listDeliveries({ ...query, pageToken: first.nextPageToken });
    assert.deepEqual(
      [first, second].map(({ deliveries }) => deliveries.map(({ id }) => id)),
      [ids.slice(0, 3), ids.slice(3)],
    );
    assert.equal(second.nextPageToken, '');
    assert.equal((await api().deliveries.listDeliveries({})).deliveries.length, 6);
    const failed = await api().deliveries.listDeliveries({
      filter: `webhook_id = ${mine.id} AND state = FAILED`,
    });
    assert.deepEqual(failed.deliveries, []);
  });

  it('answers over every protocol', async () => {
    for (const transport of Object.values(api().transports)) {
      const { deliveries } = await createClient(DeliveryService, transport).listDeliveries({
        filter: 'webhook_id = none',
      });
      assert.deepEqual(deliveries, []);
      assert.deepEqual(
        (await createClient(WebhookService, transport).list({ filter: 'name = none' })).webhooks,
        [],
      );
    }
  });
});
