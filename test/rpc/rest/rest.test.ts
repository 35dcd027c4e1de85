import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { sharedApi, startApi } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const JSON_TYPE = { 'content-type': 'application/json' };

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any;
}

function calling(api: () => { readonly url: string }) {
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(api().url + path, {
      method,
      headers: { ...(body !== undefined && JSON_TYPE), ...headers },
      ...(body !== undefined && {
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
    } as RequestInit);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
  };
}

/** The fields that an error of AIP-193 names. */
function fieldsOf({ body }: Answer): string[] {
  const bad = body.error.details?.find(
    (detail: Record<string, unknown>) => detail['@type'] === 'type.googleapis.com/google.rpc.BadRequest',
  );
  return (bad?.fieldViolations ?? []).map(({ field = '' }) => field).sort();
}

describe('REST', () => {
  const api = sharedApi();
  const call = calling(api);
  let count = 0;
  const fresh = async (webhook: object = {}) => {
    const destination = `${DESTINATION}/${count++}`;
    const { body } = await call('POST', '/v1/webhooks', { name: 'fresh', destination, ...webhook });
    return body.webhook;
  };

  it('registers, reads, lists, changes and removes a webhook', async () => {
    const made = await call('POST', '/v1/webhooks', { name: 'joe', destination: DESTINATION });
    assert.equal(made.status, 200);
    assert.deepEqual(Object.keys(made.body), ['webhook', 'secret', 'created']);
    const path = `/v1/webhooks/${made.body.webhook.id}`;
    assert.deepEqual((await call('GET', path)).body, { webhook: { ...made.body.webhook, traffic: {} } });
    assert.equal((await call('GET', '/v1/webhooks?filter=name=joe')).body.webhooks.length, 1);
    const changed = await call('PATCH', `${path}?update_mask=labels,retry_policy.max_attempts`, {
      labels: { team: 'a' },
      retryPolicy: { maxAttempts: 7 },
      eventTypes: ['not.masked'],
    });
    assert.deepEqual(
      [
        changed.body.webhook.labels,
        changed.body.webhook.retryPolicy.maxAttempts,
        changed.body.webhook.eventTypes,
      ],
      [{ team: 'a' }, 7, undefined],
    );
    assert.deepEqual((await call('DELETE', path)).body, { ids: [made.body.webhook.id] });
    assert.equal((await call('GET', path)).status, 404);
  });

  it('calls methods that are no verbs of HTTP, with and without a body', async () => {
    const { id } = await fresh();
    const paused = await call('POST', `/v1/webhooks/${id}:pause`);
    assert.equal(paused.body.webhook.state, 'STATE_PAUSED');
    const resumed = await call('POST', `/v1/webhooks/${id}:resume`, { namespace: 'default' });
    assert.equal(resumed.body.webhook.state, 'STATE_ACTIVE');
    assert.match((await call('POST', `/v1/webhooks/${id}:trigger`, {})).body.deliveryId, /^msg_/);
    const ahead = await call('GET', `/v1/webhooks/${id}:previewSchedule?count=2`);
    assert.equal(ahead.body.runTimes.length, 2);
    const unregistered = { schedule: { cron: '@daily' }, count: 1, afterTime: '2030-01-01T00:00:00Z' };
    const preview = await call('POST', '/v1/webhooks:previewSchedule', unregistered);
    assert.deepEqual(preview.body.runTimes, ['2030-01-02T00:00:00Z']);
  });

  it('removes by name through the query of the collection', async () => {
    await fresh({ name: 'by name' });
    await fresh({ name: 'by name' });
    const refused = await call('DELETE', '/v1/webhooks?name=by%20name');
    assert.deepEqual([refused.status, refused.body.error.status], [400, 'FAILED_PRECONDITION']);
    const { body } = await call('DELETE', '/v1/webhooks?name=by%20name&force');
    assert.equal(body.ids.length, 2);
  });

  it('publishes one event, many, and one whose id has a colon and the name of a verb', async () => {
    const one = await call('POST', '/v1/events?delay=90s', { type: 'order.paid', json: { a: 1 } });
    assert.equal(one.status, 200);
    const requests = [{ event: { type: 'a' } }, { event: { type: '' } }];
    const { body } = await call('POST', '/v1/events:publishBatch', { requests });
    assert.deepEqual(
      body.results.map((result: object) => Object.keys(result)),
      [['response'], ['error']],
    );
    await call('POST', '/v1/events', { id: 'shop:purge', type: 'a', text: 'x' });
    assert.equal((await call('GET', '/v1/events/shop%3Apurge')).body.event.text, 'x');
    assert.equal((await call('GET', '/v1/events/shop:purge')).status, 405);
    assert.deepEqual((await call('POST', '/v1/events/shop%3Apurge:purge')).body, {});
    assert.equal((await call('GET', '/v1/events/shop%3Apurge')).body.event.purged, true);
  });

  it('takes parameters in snake and camel case, whatever their type', async () => {
    const { id } = await fresh({ name: 'queried', labels: { team: 'a', __proto__: 'x' } });
    await fresh({ name: 'queried', labels: { team: 'b' } });
    for (const query of [
      'filter=name=queried%20AND%20labels.team=a',
      'filter=name=queried+AND+labels.team=a&view=full&pageSize=10',
      'filter=name%3D+queried+AND+labels.team%3Da&view=WEBHOOK_VIEW_FULL&page_size=10&orderBy=name',
    ]) {
      const { body } = await call('GET', `/v1/webhooks?${query}`);
      assert.deepEqual(
        body.webhooks.map((webhook: { id: string }) => webhook.id),
        [id],
        query,
      );
    }
    const nested = await call('POST', '/v1/deliveries:retry', { filter: `webhook_id = ${id}` });
    assert.equal(nested.status, 200);
    const after = new Date(T0 - 1000).toISOString();
    assert.equal((await call('GET', `/v1/webhooks/${id}:previewSchedule?after_time=${after}`)).status, 200);
  });

  it('takes an id in the path that the body repeats, and refuses another', async () => {
    const { id } = await fresh();
    assert.equal((await call('POST', `/v1/webhooks/${id}:pause`, { id })).status, 200);
    const other = await call('POST', `/v1/webhooks/${id}:pause`, { id: 'wh_other' });
    assert.deepEqual([other.status, fieldsOf(other)], [400, ['id']]);
    const two = await call('POST', '/v1/deliveries/dlv_1:retry', { id: 'dlv_2' });
    assert.deepEqual([two.status, fieldsOf(two)], [400, ['id']]);
  });

  it('answers HEAD like GET, without a body', async () => {
    const { id } = await fresh();
    const path = `/v1/webhooks/${id}`;
    const [get, head] = [await call('GET', path), await call('HEAD', path)];
    assert.equal(head.status, 200);
    assert.equal(head.body, '');
    assert.equal(head.headers.get('content-length'), get.headers.get('content-length'));
    assert.equal((await call('HEAD', '/v1/webhooks/none')).status, 404);
  });

  it('takes and gives compressed bodies', async () => {
    const text = 'x'.repeat(5000);
    const event = Buffer.from(JSON.stringify({ id: 'zipped', type: 'a', text }));
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(event)],
      ['br', brotliCompressSync(event)],
    ] as const) {
      const headers = { 'content-encoding': encoding };
      assert.equal((await call('POST', '/v1/events', new Uint8Array(bytes), headers)).body.id, 'zipped');
    }
    const answer = await call('GET', '/v1/events/zipped', undefined, { 'accept-encoding': 'gzip' });
    assert.deepEqual([answer.headers.get('content-encoding'), answer.body.event.text], ['gzip', text]);
    const unknown = await call('POST', '/v1/events', 'x', { 'content-encoding': 'zstd' });
    assert.deepEqual([unknown.status, unknown.body.error.status], [501, 'UNIMPLEMENTED']);
  });

  it('is logged like an RPC', async () => {
    await call('GET', '/v1/webhooks/logged');
    const line = await api().line(({ fields }) => fields.webhookId === 'logged');
    assert.deepEqual(
      [line.level, line.fields.rpc, line.fields.protocol, line.fields.code],
      ['info', 'carillon.v1.WebhookService/Get', 'http', 'not_found'],
    );
  });
});

describe('An error of REST', () => {
  const api = sharedApi();
  const call = calling(api);

  it('is that of AIP-193, with details that can be read', async () => {
    const { status, headers, body } = await call('GET', '/v1/webhooks/wh_none');
    assert.deepEqual([status, headers.get('content-type')], [404, 'application/json']);
    assert.deepEqual(body.error, {
      code: 404,
      message: 'there is no webhook wh_none',
      status: 'NOT_FOUND',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'WEBHOOK_NOT_FOUND',
          domain: 'carillon.dev',
          metadata: { id: 'wh_none' },
        },
        {
          '@type': 'type.googleapis.com/google.rpc.ResourceInfo',
          resourceType: 'carillon.v1.Webhook',
          resourceName: 'wh_none',
          description: 'there is no webhook wh_none',
        },
      ],
    });
  });

  it('names fields as they stand in the body, and parameters by their names', async () => {
    const bad = { destination: 'nowhere', schedule: { cron: '@never' } };
    assert.deepEqual(fieldsOf(await call('POST', '/v1/webhooks', bad)), [
      'destination',
      'name',
      'schedule.cron',
    ]);
    const unknown = await call('POST', '/v1/webhooks?dry_run', { nmae: 'x' });
    assert.deepEqual([unknown.status, fieldsOf(unknown)], [400, ['dry_run']]);
    assert.deepEqual(fieldsOf(await call('POST', '/v1/webhooks', { nmae: 'x' })), ['nmae']);
    assert.deepEqual(fieldsOf(await call('POST', '/v1/webhooks?webhook.name=x', {})), ['webhook.name']);
    const query = await call('GET', '/v1/webhooks?limit=5&page_size=x&view=HALF&filter=a&filter=b');
    assert.deepEqual(fieldsOf(query), ['filter', 'limit', 'page_size', 'view']);
    assert.deepEqual(fieldsOf(await call('GET', '/v1/webhooks?page_size=1&pageSize=1')), ['page_size']);
  });

  it('names members that are given twice, and says where a body is broken', async () => {
    assert.deepEqual(fieldsOf(await call('POST', '/v1/webhooks', '{"name":"a","name":"b"}')), ['name']);
    assert.match((await call('POST', '/v1/webhooks', '{"name":}')).body.error.message, /line 1, column 9/);
    for (const body of ['[]', 'null', '5']) {
      const { status, body: said } = await call('POST', '/v1/webhooks/wh_1:pause', body);
      assert.deepEqual([status, /must be a JSON object/.test(said.error.message)], [400, true]);
    }
  });

  it('is clear about an encoding that is none', async () => {
    assert.deepEqual(fieldsOf(await call('GET', '/v1/webhooks/%ff')), ['id']);
    for (const query of ['%zz', 'name=%', 'name=%ff']) {
      const { status, body } = await call('GET', `/v1/webhooks?${query}`);
      assert.deepEqual([status, /percent-encoded/.test(body.error.message)], [400, true], query);
    }
  });

  it('says that a body is not wanted, or of which type it should be', async () => {
    const { status, body } = await call('DELETE', '/v1/webhooks/wh_1', {});
    assert.deepEqual([status, /takes no body/.test(body.error.message)], [400, true]);
    for (const [path, type] of [
      ['/v1/webhooks', 'text/plain'],
      ['/v1/webhooks/wh_1:pause', 'application/x-www-form-urlencoded'],
      ['/v1/events:stream', 'application/json'],
    ] as const) {
      const refused = await call('POST', path, '{}', { 'content-type': type });
      assert.deepEqual([refused.status, refused.body.error.code], [415, 415]);
    }
    const response = await fetch(`${api().url}/v1/webhooks`, { method: 'POST' });
    assert.equal(response.status, 415);
  });

  it('says which verbs a path takes, and that there is nothing at another', async () => {
    for (const [verb, path, allow] of [
      ['PUT', '/v1/webhooks', 'GET, HEAD, POST, DELETE'],
      ['POST', '/v1/webhooks/wh_1', 'GET, HEAD, PATCH, DELETE'],
      ['GET', '/v1/webhooks/wh_1:pause', 'POST'],
      ['HEAD', '/v1/deliveries:watch', 'GET'],
      ['DELETE', '/v1/events:stream', 'POST'],
    ] as const) {
      const { status, headers, body } = await call(verb, path);
      assert.deepEqual([status, headers.get('allow')], [405, allow], `${verb} ${path}`);
      if (verb !== 'HEAD') assert.equal(body.error.status, 'UNIMPLEMENTED');
    }
    for (const path of [
      '/v1',
      '/v1/',
      '/v1/webhook',
      '/v1/webhooks/',
      '/v1/webhooks/a/b',
      '/v1/webhooks:ring',
    ]) {
      const { status, body } = await call('GET', path);
      assert.deepEqual([status, body.error.status], [404, 'NOT_FOUND'], path);
    }
  });

  it('is 413 for what is too large, compressed or not, and 429 for what is full', async () => {
    const large = { type: 'a', text: 'x'.repeat(5 * 1024 * 1024) };
    const plain = await call('POST', '/v1/events', large);
    assert.deepEqual([plain.status, plain.body.error.status], [413, 'RESOURCE_EXHAUSTED']);
    const zipped = new Uint8Array(gzipSync(JSON.stringify(large)));
    assert.equal((await call('POST', '/v1/events', zipped, { 'content-encoding': 'gzip' })).status, 413);
  });

  it('says when to try again', async () => {
    await using full = await startApi({
      deps: (parts) => ({
        ...parts,
        publisher: {
          ...parts.publisher,
          publish: async (drafts) => drafts.map(() => ({ kind: 'FULL', scope: 'SERVER' }) as never),
        },
      }),
    });
    const { status, headers, body } = await calling(() => full)('POST', '/v1/events', { type: 'a' });
    assert.deepEqual([status, headers.get('retry-after')], [429, '1']);
    assert.deepEqual(body.error.details[1], {
      '@type': 'type.googleapis.com/google.rpc.RetryInfo',
      retryDelay: '1s',
    });
  });

  it('is 504 at the deadline that its caller gave', async () => {
    await using slow = await startApi({
      deps: (deps) => ({ ...deps, store: { ...deps.store, resolveWebhooks: () => new Promise(() => {}) } }),
    });
    const headers = { 'connect-timeout-ms': '20' };
    const { status, body } = await calling(() => slow)('GET', '/v1/webhooks/wh_1', undefined, headers);
    assert.deepEqual([status, body.error.status], [504, 'DEADLINE_EXCEEDED']);
    const bad = await call('GET', '/v1/webhooks/wh_1', undefined, { 'connect-timeout-ms': 'soon' });
    assert.equal(bad.status, 400);
  });

  it('is only a line of the log for a caller who has gone', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using slow = await startApi({
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          resolveWebhooks: () => {
            resolve();
            return new Promise(() => {});
          },
        },
      }),
    });
    const request = httpRequest(`${slow.url}/v1/webhooks/wh_1`);
    request.on('error', () => {});
    request.end();
    await asked;
    request.destroy();
    const line = await slow.line(({ fields }) => fields.webhookId === 'wh_1');
    assert.equal(line.fields.code, 'canceled');
  });

  it('is the same for a page of another site as for an RPC', async () => {
    const { status, body } = await call('GET', '/v1/webhooks', undefined, { origin: 'https://evil.example' });
    assert.deepEqual([status, body.error.status], [403, 'PERMISSION_DENIED']);
  });
});

describe('An etag', () => {
  const api = sharedApi();
  const call = calling(api);
  let count = 0;
  const fresh = async () => {
    const webhook = { name: 'tagged', destination: `${DESTINATION}/${count++}` };
    const { body, headers } = await call('POST', '/v1/webhooks', webhook);
    return {
      path: `/v1/webhooks/${body.webhook.id}`,
      etag: headers.get('etag') ?? '',
      webhook: body.webhook,
    };
  };

  it('is that of the webhook, on every answer with one', async () => {
    const { path, etag, webhook } = await fresh();
    assert.equal(etag, `"${webhook.etag}"`);
    assert.equal((await call('GET', path)).headers.get('etag'), etag);
    const paused = await call('POST', `${path}:pause`);
    assert.equal(paused.headers.get('etag'), `"${paused.body.webhook.etag}"`);
    assert.equal((await call('GET', '/v1/webhooks')).headers.get('etag'), null);
  });

  it('lets a webhook be changed, removed and paused only as it was seen', async () => {
    const { path, etag } = await fresh();
    const stale = { 'if-match': etag };
    const change = () => call('PATCH', path, { labels: { n: String(count++) } }, stale);
    const first = await change();
    assert.equal(first.status, 200);
    for (const again of [
      await change(),
      await call('DELETE', path, undefined, stale),
      await call('POST', `${path}:pause`, undefined, stale),
      await call('POST', `${path}:resume`, {}, stale),
    ]) {
      assert.deepEqual([again.status, again.body.error.code, again.body.error.status], [412, 412, 'ABORTED']);
    }
    const now = { 'if-match': first.headers.get('etag') ?? '' };
    assert.equal((await call('DELETE', path, undefined, now)).status, 200);
  });

  it('is 409 where it was given as a field', async () => {
    const { path } = await fresh();
    assert.equal((await call('DELETE', `${path}?etag=stale`)).status, 409);
    assert.equal((await call('POST', `${path}:pause`, { etag: 'stale' })).status, 409);
  });

  it('must be one, in quotes, and the same as that of the body', async () => {
    const { path, etag, webhook } = await fresh();
    for (const header of [webhook.etag, `W/${etag}`, `${etag}, "b"`]) {
      const { status, body } = await call('POST', `${path}:pause`, undefined, { 'if-match': header });
      assert.deepEqual([status, /If-Match must be one etag/.test(body.error.message)], [400, true], header);
    }
    const both = await call('POST', `${path}:pause`, { etag: 'other' }, { 'if-match': etag });
    assert.deepEqual([both.status, fieldsOf(both)], [400, ['etag']]);
    assert.equal(
      (await call('POST', `${path}:pause`, { etag: webhook.etag }, { 'if-match': etag })).status,
      200,
    );
    assert.equal((await call('POST', `${path}:pause`, undefined, { 'if-match': '*' })).status, 200);
  });

  it('is refused where a method takes none, rather than ignored', async () => {
    const { path, etag } = await fresh();
    const { status, body } = await call('POST', `${path}:trigger`, undefined, { 'if-match': etag });
    assert.deepEqual([status, /takes no etag/.test(body.error.message)], [400, true]);
  });

  it('spares a reader what it has seen', async () => {
    const { path, etag } = await fresh();
    const same = await call('GET', path, undefined, { 'if-none-match': `"x", W/${etag}` });
    assert.deepEqual([same.status, same.body], [304, '']);
    assert.equal((await call('GET', path, undefined, { 'if-none-match': '"x"' })).status, 200);
  });
});
