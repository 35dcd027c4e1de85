import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { aDeliveryThat } from '../../support/deliveries.ts';
import { type RunningApi, sharedApi, startApi } from '../../support/rpc.ts';
import { aWebhook } from '../../support/store.ts';

interface ServerSentEvent {
  readonly event: string;
  readonly id: string | undefined;
  /** Undefined for one that is not dispatched. */
  readonly data: unknown;
  readonly comments: readonly string[];
}

/** Reads Server-Sent Events one at a time (WHATWG HTML, section 9.2.6). */
function eventsOf(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return async function next(): Promise<ServerSentEvent | undefined> {
    for (let end = text.indexOf('\n\n'); end < 0; end = text.indexOf('\n\n')) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const lines = text.slice(0, text.indexOf('\n\n')).split('\n');
    text = text.slice(text.indexOf('\n\n') + 2);
    const of = (field: string) =>
      lines.find((line) => line.startsWith(`${field}: `))?.slice(field.length + 2);
    const data = of('data');
    return {
      event: of('event') ?? 'message',
      id: of('id'),
      data: data === undefined ? undefined : JSON.parse(data),
      comments: lines.filter((line) => line.startsWith(':')),
    };
  };
}

async function startWith(settings: object = {}): Promise<RunningApi> {
  return startApi({ settings: { watch: { restMs: 1 }, ...settings } });
}

async function watching(t: TestContext, url: string, query = '', headers: Record<string, string> = {}) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const path = `${url}/v1/deliveries:watch${query}`;
  const response = await fetch(path, { headers, signal: stop.signal });
  return { response, next: eventsOf(response), stop: () => stop.abort() };
}

describe('WatchDeliveries as Server-Sent Events', () => {
  it('tells each change, with the token to go on from as its id', async (t) => {
    await using running = await startWith();
    const { store, url } = running;
    const hook = aWebhook();
    await store.createWebhooks([hook]);
    const { response, next } = await watching(t, url);
    assert.deepEqual(
      [response.status, response.headers.get('content-type'), response.headers.get('cache-control')],
      [200, 'text/event-stream', 'no-store'],
    );
    const begun = await next();
    assert.deepEqual([begun?.comments, begun?.data], [[': heartbeat'], undefined]);
    assert.ok(begun?.id);
    const id = await aDeliveryThat(store, hook.id, { type: 'a', status: 200, to: { to: 'SUCCEEDED' } });
    const change = await next();
    const data = change?.data as { delivery: { id: string; state: string }; resumeToken: string };
    assert.deepEqual([data.delivery.id, data.delivery.state], [id, 'STATE_SUCCEEDED']);
    assert.equal(change?.id, data.resumeToken);
  });

  it('goes on after the last event that a browser has seen, whatever its URL says', async (t) => {
    await using running = await startWith();
    const { store, url } = running;
    const hook = aWebhook();
    await store.createWebhooks([hook]);
    const first = await watching(t, url);
    const token = (await first.next())?.id ?? '';
    await aDeliveryThat(store, hook.id, { type: 'missed.a', status: 200, to: { to: 'SUCCEEDED' } });
    const seen = await first.next();
    await aDeliveryThat(store, hook.id, { type: 'missed.b', status: 200, to: { to: 'SUCCEEDED' } });
    first.stop();
    const again = await watching(t, url, `?resume_token=${token}`, { 'last-event-id': seen?.id ?? '' });
    await again.next();
    const { delivery } = (await again.next())!.data as { delivery: { eventType: string } };
    assert.equal(delivery.eventType, 'missed.b');
  });

  it('answers what is wrong with the request like any other call', async () => {
    await using running = await startWith();
    const response = await fetch(`${running.url}/v1/deliveries:watch?filter=nonsense`);
    assert.deepEqual([response.status, response.headers.get('content-type')], [400, 'application/json']);
    const gone = await fetch(`${running.url}/v1/deliveries:watch?resume_token=nonsense`);
    assert.equal(gone.status, 400);
  });

  it('ends with an error when the server stops, and at the deadline', async (t) => {
    await using running = await startWith();
    const late = await watching(t, running.url, '', { 'connect-timeout-ms': '30' });
    const first = await late.next();
    // On a busy machine the deadline may pass before the stream has begun.
    const ended = first?.event === 'error' ? first : await late.next();
    assert.deepEqual(
      [ended!.event, (ended!.data as { error: { code: number; status: string } }).error.status],
      ['error', 'DEADLINE_EXCEEDED'],
    );
    const stopped = await watching(t, running.url);
    await stopped.next();
    running.api.health.stop();
    const { error } = (await stopped.next())!.data as { error: { code: number; status: string } };
    assert.deepEqual([error.code, error.status], [503, 'UNAVAILABLE']);
    assert.equal(await stopped.next(), undefined);
  });

  it('lets go of a caller who leaves, and says so in the log', async (t) => {
    await using running = await startWith({ watch: { restMs: 1, watchersMax: 1 } });
    const first = await watching(t, running.url);
    await first.next();
    const refused = await fetch(`${running.url}/v1/deliveries:watch`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
    await refused.text();
    first.stop();
    const line = await running.line(({ fields }) => fields.code === 'canceled');
    assert.deepEqual(
      [line.fields.rpc, line.fields.protocol],
      ['carillon.v1.DeliveryService/WatchDeliveries', 'http'],
    );
    const second = await watching(t, running.url);
    assert.equal(second.response.status, 200);
  });

  it('is served for the health of the server too', async (t) => {
    await using running = await startWith();
    const stop = new AbortController();
    t.after(() => stop.abort());
    const response = await fetch(`${running.url}/v1/health:watch`, { signal: stop.signal });
    const next = eventsOf(response);
    assert.deepEqual((await next())?.data, { status: 'SERVING' });
  });
});

interface Line {
  readonly result?: {
    readonly response?: { readonly id?: string };
    readonly error?: { readonly code: number };
  };
  readonly error?: { readonly code: number; readonly status: string; readonly message: string };
}

const LINES = { 'content-type': 'application/x-ndjson' };
const event = (id: string, type = 'a') => JSON.stringify({ event: { id, type } });

describe('PublishStream as lines of JSON', () => {
  const api = sharedApi({ settings: { messageBytesMax: 2000 } });
  async function send(body: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${api().url}/v1/events:stream`, {
      method: 'POST',
      headers: { ...LINES, ...headers },
      body,
    });
    const text = await response.text();
    const lines = text.split('\n').filter((line) => line !== '');
    return { response, lines: lines.map((line) => JSON.parse(line) as Line) };
  }
  const told = ({ result, error }: Line) => result?.response?.id ?? result?.error?.code ?? error?.status;

  it('answers each line with one, in order, whatever is wrong with some', async () => {
    const { response, lines } = await send(`${event('l1')}\n\n${event('l2', '')}\r\n{}\n${event('l3')}`);
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/x-ndjson']);
    assert.deepEqual(lines.map(told), ['l1', 3, 3, 'l3']);
  });

  it('answers a line before the next is sent, over HTTP/1.1 and HTTP/2', async (t) => {
    for (const open of [openHttp1, openHttp2]) {
      const { write, next } = open(t, api());
      write(`${event(`${open.name}-1`)}\n`);
      assert.equal(told(await next()), `${open.name}-1`);
      write(event(`${open.name}-2`).slice(0, 10));
      write(`${event(`${open.name}-2`).slice(10)}\n`);
      assert.equal(told(await next()), `${open.name}-2`);
    }
  });

  it('ends with what is wrong with a line that cannot be read, after the answers to those before it', async () => {
    for (const [bad, says] of [
      ['{"event": {', /line 2 is not JSON/],
      ['{"event": {"typ": "a"}}', /^event\.typ: is not a field/],
      ['{"event": {"type": "a", "type": "b"}}', /^event\.type: is given twice/],
      ['[]', /must be a JSON object/],
    ] as const) {
      const { lines } = await send(`${event('before')}\n${bad}\n${event('after')}\n`);
      assert.deepEqual(lines.map(told), ['before', 'INVALID_ARGUMENT'], bad);
      assert.match(lines[1]?.error?.message ?? '', says);
    }
  });

  it('ends with a line that is too long', async () => {
    const { lines } = await send(`${event('short')}\n{"event":{"type":"a","text":"${'x'.repeat(3000)}"}}\n`);
    assert.deepEqual(lines.map(told), ['short', 'RESOURCE_EXHAUSTED']);
  });

  it('answers nothing to nothing', async () => {
    const { response, lines } = await send('');
    assert.deepEqual([response.status, lines], [200, []]);
  });

  it('is not for pages of other sites', async () => {
    const { response, lines } = await send(event('evil'), { origin: 'https://evil.example' });
    assert.deepEqual([response.status, lines[0]?.error?.status], [403, 'PERMISSION_DENIED']);
  });

  it('is logged with how many came, and how many were refused', async () => {
    await send(`${event('counted')}\n${event('refused', '')}\n`);
    const line = await api().line(({ fields }) => fields.events === 2 && fields.refused === 1);
    assert.deepEqual([line.fields.code, line.fields.protocol], ['ok', 'http']);
  });
});

/** A stream that is written and read by turns. */
function openHttp1(t: TestContext, { url }: RunningApi) {
  const request = httpRequest(`${url}/v1/events:stream`, { method: 'POST', headers: LINES });
  t.after(() => request.destroy());
  const lines = linesFrom((take) => request.once('response', (response) => response.on('data', take)));
  return { write: (text: string) => void request.write(text), next: lines };
}

function openHttp2(t: TestContext, { url2 }: RunningApi) {
  const session = connectHttp2(url2);
  t.after(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/v1/events:stream', ...LINES });
  const lines = linesFrom((take) => stream.on('data', take));
  return { write: (text: string) => void stream.write(text), next: lines };
}

function linesFrom(listen: (take: (chunk: unknown) => void) => void): () => Promise<Line> {
  let text = '';
  let wake = () => {};
  listen((chunk) => {
    text += String(chunk);
    wake();
  });
  return async () => {
    while (!text.includes('\n')) await new Promise<void>((resolve) => (wake = resolve));
    const [line = '', ...rest] = text.split('\n');
    text = rest.join('\n');
    return JSON.parse(line) as Line;
  };
}
