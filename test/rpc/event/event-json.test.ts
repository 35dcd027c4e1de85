import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonError, jsonFieldsOf, sharedApi } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any;
}

describe('/events', () => {
  const api = sharedApi();
  async function call(method: string, path: string, body?: string | object): Promise<Answer> {
    const response = await fetch(api().url + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }
  const fieldsOf = ({ status, body }: Answer) => [status, ...jsonFieldsOf(body as JsonError).sort()];

  it('takes an event, and answers where it is', async () => {
    const made = await call('POST', '/events', { type: 'order.paid', json: { amount: 7 } });
    assert.deepEqual(
      [made.status, Object.keys(made.body), made.body.deliveryCount, made.body.duplicate],
      [201, ['id', 'deliveryCount', 'duplicate'], 0, false],
    );
    const location = made.headers.get('location') ?? '';
    assert.equal(location, `/events/${made.body.id}`);
    const got = await call('GET', location);
    assert.deepEqual([got.status, got.body.type, got.body.json], [200, 'order.paid', { amount: 7 }]);
  });

  it('answers 200 for what was published before, and 409 for another of that name', async () => {
    const event = { id: 'a:b.c_d-1', type: 'again', text: 'a' };
    assert.equal((await call('POST', '/events', event)).status, 201);
    const again = await call('POST', '/events', event);
    assert.deepEqual(
      [again.status, again.body],
      [200, { id: 'a:b.c_d-1', deliveryCount: 0, duplicate: true }],
    );
    assert.equal(again.headers.get('location'), '/events/a:b.c_d-1');
    assert.equal((await call('GET', '/events/a:b.c_d-1')).body.text, 'a');
    assert.equal((await call('POST', '/events', { ...event, text: 'b' })).status, 409);
  });

  it('delivers later when the query says so', async () => {
    const destination = 'http://127.0.0.1:9999/later';
    await call('POST', '/webhooks', { name: 'later', destination, eventTypes: ['later'] });
    const due = async (query: string) => {
      const { body } = await call('POST', `/events?${query}`, { type: 'later' });
      const { deliveries } = await api().deliveries.listDeliveries({ filter: `event_id = "${body.id}"` });
      return Number(deliveries[0]?.nextAttemptTime?.seconds) * 1000;
    };
    assert.equal(await due('delay=90s'), T0 + 90_000);
    assert.equal(await due('deliver_time=2026-02-01T00:00:00Z'), Date.UTC(2026, 1, 1));
  });

  it('refuses with paths as the caller wrote them', async () => {
    const bad = { type: 'carillon.x', contentType: 'application/json', text: '{' };
    assert.deepEqual(fieldsOf(await call('POST', '/events?delay=400000000s', bad)), [
      400,
      'delay',
      'text',
      'type',
    ]);
    assert.deepEqual(fieldsOf(await call('POST', '/events?delay=soon', {})), [400, 'delay']);
    assert.deepEqual(fieldsOf(await call('POST', '/events?delay=1s&deliver_time=2026-02-01T00:00:00Z', {})), [
      400,
      'deliver_time',
    ]);
    assert.deepEqual(fieldsOf(await call('POST', '/events', { typ: 'a' })), [400, 'typ']);
    const plain = await fetch(`${api().url}/events`, { method: 'POST', body: '{"type":"a"}' });
    assert.deepEqual([plain.status, /takes an event as JSON/.test(await plain.text())], [415, true]);
  });

  it('lists', async () => {
    await call('POST', '/events', { type: 'listed.b' });
    const { body } = await call(
      'GET',
      '/events?filter=type=listed.*+AND+create_time>=2026-01-01T00:00:00Z&page_size=1',
    );
    assert.deepEqual(
      body.events.map(({ type }: { type: string }) => type),
      ['listed.b'],
    );
    assert.deepEqual(fieldsOf(await call('GET', '/events?typ=a')), [400, 'typ']);
  });

  it('says what there is to whom asks for something else', async () => {
    const removed = await call('DELETE', '/events/a');
    assert.deepEqual([removed.status, removed.headers.get('allow')], [405, 'GET']);
    assert.match(removed.body.message, /POST \/events/);
    assert.equal((await call('GET', '/events/a/b')).status, 404);
    assert.equal((await call('GET', '/events/nothing')).body.code, 'not_found');
  });
});

describe('An event in JSON', () => {
  const api = sharedApi();
  async function publish(event: string): Promise<Answer> {
    const response = await fetch(`${api().url}/carillon.v1.EventService/Publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"event":${event}}`,
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }
  async function stored(event: string): Promise<Buffer> {
    const { status, body } = await publish(event);
    assert.equal(status, 200, JSON.stringify(body));
    const [kept] = await api().store.getEvents([{ namespace: 'default', id: body.id }]);
    assert.ok(kept);
    return Buffer.from(kept.body);
  }
  const refused = async (json: string) => {
    const { status, body } = await publish(`{"type":"a",${json}}`);
    assert.equal(status, 400);
    return Object.fromEntries(
      (body.details[1].debug.fieldViolations as { field: string; description: string }[]).map(
        ({ field, description }) => [field, description],
      ),
    );
  };

  it('loses nothing of text and bytes', async () => {
    const all = `${String.fromCharCode(...Array.from({ length: 0x800 }, (_, i) => i))}\u2028\ufeff\ufffe😀`;
    assert.equal((await stored(JSON.stringify({ type: 'a', text: all }))).toString(), all);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (const encoding of ['base64', 'base64url'] as const) {
      const event = { type: 'a', bytes: bytes.toString(encoding) };
      assert.deepEqual(await stored(JSON.stringify(event)), bytes);
    }
  });

  it('has json without white space, names as they are, and null for null', async () => {
    const json = '{ "b": [1, 2.50, 1e3], "__proto__": {"a": ""}, "toJSON": null, "": "\\u00e9" }';
    assert.equal(
      (await stored(`{"type":"a","json":${json}}`)).toString(),
      '{"b":[1,2.5,1000],"__proto__":{"a":""},"toJSON":null,"":"é"}',
    );
    assert.equal((await stored('{"type":"a","json":null}')).toString(), 'null');
    assert.equal((await stored('{"type":"a","text":null}')).length, 0);
  });

  it('keeps a header that is named like a prototype key', async () => {
    const { body } = await publish('{"type":"a","headers":{"__proto__":"a","X-B":"b"}}');
    const [kept] = await api().store.getEvents([{ namespace: 'default', id: body.id }]);
    assert.deepEqual(Object.entries(kept?.headers ?? {}), [
      ['__proto__', 'a'],
      ['x-b', 'b'],
    ]);
    const response = await fetch(`${api().url}/events/${body.id}`);
    assert.match(await response.text(), /"__proto__":"a"/);
  });

  it('is refused where a Value cannot hold what it is given', async () => {
    const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
    assert.match((await refused(`"json":${deep}`))['event.json'] ?? '', /deeper than 32/);
    assert.match((await refused('"json":[1e999]'))['event.json'] ?? '', /too large/);
    assert.match((await refused('"json":{"a":"\\ud800"}'))['event.json'] ?? '', /Unicode/);
    assert.match((await refused('"json":{"\\udc00":1}'))['event.json'] ?? '', /Unicode/);
    assert.match((await refused('"json":{"a":1,"a":2}'))['event.json.a'] ?? '', /twice/);
    assert.match((await refused('"json":null,"text":""'))['event.text'] ?? '', /excludes/);
    assert.match((await refused('"text":"\\ud800"'))['event.text'] ?? '', /Unicode/);
  });
});
