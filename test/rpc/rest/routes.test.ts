import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonError, jsonFieldsOf, sharedApi } from '../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any;
}

describe('/webhooks', () => {
  const api = sharedApi();

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(api().url + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  it("takes the article's two fields, and answers where the webhook is", async () => {
    const made = await call('POST', '/webhooks', { name: 'joe', destination: DESTINATION });
    assert.equal(made.status, 201);
    assert.equal(made.body.created, true);
    assert.match(made.body.secret, /^whsec_/);
    const location = made.headers.get('location') ?? '';
    assert.equal(location, `/webhooks/${made.body.webhook.id}`);
    const got = await call('GET', location);
    assert.deepEqual(got.body, { ...made.body.webhook, traffic: {} });
  });

  it('answers 200 where it was there already, or would be made', async () => {
    await call('POST', '/webhooks', { name: 'twice', destination: DESTINATION });
    assert.equal((await call('POST', '/webhooks', { name: 'twice', destination: DESTINATION })).status, 200);
    const would = await call('POST', '/webhooks?validate_only', { name: 'would', destination: DESTINATION });
    assert.deepEqual([would.status, would.headers.get('location'), would.body.created], [200, null, true]);
    assert.deepEqual((await call('GET', '/webhooks?filter=name=would')).body, {});
  });

  it('takes everything that the Webhook message has', async () => {
    const { body } = await call('POST', '/webhooks', {
      name: 'full',
      destination: DESTINATION,
      schedule: { cron: '0 9 * * MON', time_zone: 'Europe/Vienna' },
      payload: { template: 'Hi {{ webhook.name }}' },
      labels: { team: 'a' },
    });
    assert.deepEqual(body.webhook.schedule.cron, '0 9 * * MON');
  });

  it('refuses with paths as the caller wrote them', async () => {
    const { status, body } = await call('POST', '/webhooks', {
      destination: 'nowhere',
      schedule: { cron: '@never' },
    });
    assert.equal(status, 400);
    assert.deepEqual(jsonFieldsOf(body as JsonError).sort(), ['destination', 'name', 'schedule.cron']);
    assert.ok(!body.message.includes('webhook.'));
    // The form of the RPC, which is wrong here.
    const wrapped = await call('POST', '/webhooks', { webhook: { name: 'x', destination: DESTINATION } });
    assert.deepEqual(jsonFieldsOf(wrapped.body as JsonError), ['webhook']);
    assert.match(wrapped.body.message, /^webhook: is not a field of carillon\.v1\.Webhook/);
  });

  it('takes JSON only, so that no page of another site can register anything', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const { status, body } = await call('POST', '/webhooks', '{}', { 'content-type': type });
      assert.equal(status, 415);
      assert.match(body.message, /application\/json/);
    }
    assert.equal(
      (await call('POST', '/webhooks', '{', { 'content-type': 'application/json; charset=utf-8' })).status,
      400,
    );
  });

  it('lists, with filters and pages in the query', async () => {
    let count = 0;
    for (const team of ['a', 'b', 'b']) {
      const destination = `${DESTINATION}/${count++}`;
      await call('POST', '/webhooks', { name: 'listed', destination, labels: { team } });
    }
    const page = await call('GET', '/webhooks?filter=name=listed+AND+labels.team=b&page_size=1');
    assert.equal(page.body.webhooks.length, 1);
    const next = await call(
      'GET',
      `/webhooks?filter=name=listed+AND+labels.team=b&pageToken=${page.body.nextPageToken}`,
    );
    assert.equal(next.body.webhooks.length, 1);
    assert.notEqual(next.body.webhooks[0].id, page.body.webhooks[0].id);
  });

  it('refuses a query that it does not understand, naming each parameter', async () => {
    const { status, body } = await call('GET', '/webhooks?limit=5&page_size=x&view=HALF&filter=a&filter=b');
    assert.equal(status, 400);
    assert.deepEqual(jsonFieldsOf(body as JsonError).sort(), ['filter', 'limit', 'page_size', 'view']);
    assert.deepEqual(jsonFieldsOf((await call('POST', '/webhooks?dry_run=1', {})).body as JsonError), [
      'dry_run',
    ]);
  });

  it('removes by id, with an etag if there is one', async () => {
    const { body } = await call('POST', '/webhooks', { name: 'gone', destination: DESTINATION });
    const path = `/webhooks/${body.webhook.id}`;
    assert.equal((await call('DELETE', `${path}?etag=stale`)).status, 409);
    assert.deepEqual((await call('DELETE', path)).body, { ids: [body.webhook.id] });
    const again = await call('DELETE', path);
    assert.deepEqual([again.status, again.body.code], [404, 'not_found']);
    assert.equal((await call('GET', path)).status, 404);
  });

  it('says what there is to whom asks for something else', async () => {
    const put = await call('PUT', '/webhooks');
    assert.deepEqual([put.status, put.headers.get('allow')], [405, 'GET, POST']);
    assert.match(put.body.message, /POST \/webhooks/);
    const post = await call('POST', '/webhooks/wh_1', {});
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, DELETE']);
    for (const path of ['/webhooks/', '/webhooks/a/b', '/webhooks/%ff'])
      assert.equal((await call('GET', path)).status, 404);
    assert.equal((await call('PATCH', '/webhooks', {})).status, 405);
  });

  it('leaves paths that are not of the API to others', async () => {
    for (const path of ['/', '/webhook', '/webhooksx', '/inbox/joe', '/metrics']) {
      const response = await fetch(api().url + path);
      assert.deepEqual([response.status, await response.text()], [404, 'not of the API']);
    }
  });

  it('is logged like an RPC', async () => {
    await call('GET', '/webhooks/logged');
    const line = await api().line(({ fields }) => fields.webhookId === 'logged');
    assert.deepEqual(
      [line.level, line.fields.rpc, line.fields.protocol, line.fields.code],
      ['info', 'carillon.v1.WebhookService/Get', 'http', 'not_found'],
    );
  });
});
