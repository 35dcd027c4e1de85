import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { describe, it } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import {
  Delivery_State,
  DeliveryService,
  WatchDeliveriesRequestSchema,
  type WatchDeliveriesResponse,
} from '../../../gen/carillon/v1/delivery_pb.ts';
import { RetryInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import type { WatchLimits } from '../../../src/control/watch.ts';
import { writeResumeToken } from '../../../src/rpc/delivery/watch-token.ts';
import type { Store } from '../../../src/store/store.ts';
import { aDeliveryThat, settle } from '../../support/deliveries.ts';
import { grpcRefusal, startGrpc } from '../../support/grpc.ts';
import { fieldsOf, type RunningApi, refusal, startApi } from '../../support/rpc.ts';
import { anAttempt, aPublication, aWebhook } from '../../support/store.ts';

/** Some of these fill every buffer between a server and its caller. */
const LONG = { ...anAttempt(1, 500), requestHeaders: ['x-long', 'x'.repeat(60_000)] };
const EXHAUSTED = { to: 'FAILED', reason: 'EXHAUSTED' } as const;

async function startWith(watch: Partial<WatchLimits> = {}): Promise<RunningApi> {
  return startApi({ settings: { watch: { restMs: 1, ...watch } } });
}

async function aHook(store: Store): Promise<string> {
  const webhook = aWebhook();
  await store.createWebhooks([webhook]);
  return webhook.id;
}

/** A watch that has begun: its first message, which says so, was read. */
async function begin(running: RunningApi, request: object = {}, client = running.deliveries) {
  const stop = new AbortController();
  const stream = client.watchDeliveries(request, { signal: stop.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<WatchDeliveriesResponse> => {
    const { value, done } = await stream.next();
    if (done) assert.fail('the stream ended');
    return value;
  };
  const first = await next();
  assert.equal(first.delivery, undefined);
  return {
    token: first.resumeToken,
    next,
    /** The next message about a delivery. */
    async change(): Promise<WatchDeliveriesResponse> {
      for (;;) {
        const message = await next();
        if (message.delivery !== undefined) return message;
      }
    },
    stop: () => stop.abort(),
  };
}

describe('WatchDeliveries', () => {
  it('tells every change as it was, in order, with its attempt and without the body of the answer', async () => {
    await using running = await startWith();
    const { store, deliveries } = running;
    const hook = await aHook(store);
    const watch = await begin(running);
    const id = await aDeliveryThat(store, hook, {
      type: 'order.paid',
      status: 503,
      to: { to: 'PENDING', dueAt: 9e12 },
    });
    const first = await watch.change();
    assert.deepEqual(
      [first.delivery?.id, first.delivery?.eventType, first.delivery?.state, first.delivery?.attemptCount],
      [id, 'order.paid', Delivery_State.PENDING, 1],
    );
    assert.deepEqual([first.attempt?.number, first.attempt?.responseStatus], [1, 503]);
    assert.equal(first.attempt?.responseBody.length, 0);
    await settle(store, hook, id, EXHAUSTED, anAttempt(2, 500));
    await deliveries.retryDelivery({ id });
    await settle(store, hook, id, { to: 'SUCCEEDED' }, anAttempt(3));
    const seen = [await watch.change(), await watch.change(), await watch.change()];
    assert.deepEqual(
      seen.map(({ delivery, attempt }) => [delivery?.state, attempt?.number]),
      [
        [Delivery_State.FAILED, 2],
        [Delivery_State.PENDING, undefined],
        [Delivery_State.SUCCEEDED, 3],
      ],
    );
    watch.stop();
  });

  it('does so in every protocol, at once, although the stream is long and idle', async () => {
    await using running = await startWith();
    const hook = await aHook(running.store);
    const watches = await Promise.all(
      Object.values(running.transports).map((transport) =>
        begin(running, {}, createClient(DeliveryService, transport)),
      ),
    );
    for (let round = 0; round < 2; round++) {
      const id = await aDeliveryThat(running.store, hook, { status: 200 });
      for (const watch of watches) assert.equal((await watch.change()).delivery?.id, id);
    }
    for (const watch of watches) watch.stop();
  });

  it('finds changes without being told of them', async () => {
    await using running = await startApi({
      settings: { watch: { restMs: 1, pollMinMs: 1, pollMaxMs: 2 } },
      deps: (deps) => ({ ...deps, store: { ...deps.store, onChanges: () => () => {} } }),
    });
    const hook = await aHook(running.store);
    const watch = await begin(running);
    const id = await aDeliveryThat(running.store, hook, { status: 200 });
    assert.equal((await watch.change()).delivery?.id, id);
    watch.stop();
  });

  it('tells only of what its filter matches', async () => {
    await using running = await startWith();
    const hook = await aHook(running.store);
    const watch = await begin(running, { filter: 'state = FAILED AND event_type = order.*' });
    await aDeliveryThat(running.store, hook, { type: 'order.paid', status: 200 });
    await aDeliveryThat(running.store, hook, { type: 'user.created', status: 500, to: EXHAUSTED });
    const id = await aDeliveryThat(running.store, hook, { type: 'order.paid', status: 500, to: EXHAUSTED });
    assert.equal((await watch.change()).delivery?.id, id);
    watch.stop();
  });

  it('tells nothing of another namespace', async () => {
    await using running = await startWith();
    const { store } = running;
    const theirs = aWebhook({ namespace: 'acme' });
    await store.createWebhooks([theirs]);
    const watch = await begin(running);
    const publication = aPublication([theirs.id], { event: { namespace: 'acme' } });
    await store.publish([publication]);
    await settle(store, theirs.id, publication.deliveries[0]?.id ?? '', { to: 'SUCCEEDED' }, anAttempt(1));
    const id = await aDeliveryThat(store, await aHook(store), { status: 200 });
    assert.equal((await watch.change()).delivery?.id, id);
    watch.stop();
  });

  it('goes on after the message that held a token, with nothing twice and nothing left out', async () => {
    await using running = await startWith({ pageMax: 3 });
    const hook = await aHook(running.store);
    const { token, stop } = await begin(running);
    stop();
    const ids: string[] = [];
    for (let n = 0; n < 10; n++) ids.push(await aDeliveryThat(running.store, hook, { status: 200 }));
    const seen: (string | undefined)[] = [];
    let resumeToken = token;
    while (seen.length < ids.length) {
      const watch = await begin(running, { resumeToken });
      assert.equal(watch.token, resumeToken);
      for (let n = 0; n < 4 && seen.length < ids.length; n++) {
        const message = await watch.change();
        seen.push(message.delivery?.id);
        resumeToken = message.resumeToken;
      }
      watch.stop();
    }
    assert.deepEqual(seen, ids);
  });

  it('sends a newer token now and then, so that a watcher of little does not fall behind', async () => {
    await using running = await startWith({ heartbeatMs: 20 });
    const hook = await aHook(running.store);
    const watch = await begin(running, { filter: 'state = CANCELLED' });
    await aDeliveryThat(running.store, hook, { status: 200 });
    let message = await watch.next();
    while (message.resumeToken === watch.token) message = await watch.next();
    assert.equal(message.delivery, undefined);
    const id = await aDeliveryThat(running.store, hook, { status: 200 });
    const resumed = await begin(running, { resumeToken: message.resumeToken });
    assert.equal((await resumed.change()).delivery?.id, id);
    watch.stop();
    resumed.stop();
  });

  it('ends with OUT_OF_RANGE, and says what to do, when what follows a token is not kept', async () => {
    await using running = await startApi({
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          // What a store says that has pruned its changes, which takes very many of them.
          changesSince: async (query) => (query.after === undefined ? { changes: [], next: 9 } : 'GAP'),
        },
      }),
    });
    const stream = running.deliveries.watchDeliveries({ resumeToken: writeResumeToken('default', 1) });
    const error = await refusal(collected(stream));
    assert.equal(error.code, Code.OutOfRange);
    assert.match(error.rawMessage, /list what was missed with ListDeliveries, and watch again without/);
  });

  it('ends with OUT_OF_RANGE for a token from the future, as another database would have', async () => {
    await using running = await startWith();
    const stream = running.deliveries.watchDeliveries({ resumeToken: writeResumeToken('default', 1e9) });
    assert.equal((await refusal(collected(stream))).code, Code.OutOfRange);
  });

  it('refuses what is no token, a token of another namespace, and a filter that it cannot read', async () => {
    await using running = await startWith();
    for (const [field, request] of [
      ['resume_token', { resumeToken: 'nonsense' }],
      ['resume_token', { resumeToken: writeResumeToken('acme', 1) }],
      ['resume_token', { resumeToken: `${writeResumeToken('default', 1)}Z` }],
      ['resume_token', { resumeToken: 'x'.repeat(100) }],
      ['filter', { filter: 'state = GONE' }],
      ['filter', { filter: 'x'.repeat(2000) }],
    ] as const) {
      for (const transport of Object.values(running.transports)) {
        const error = await refusal(
          collected(createClient(DeliveryService, transport).watchDeliveries(request)),
        );
        assert.equal(error.code, Code.InvalidArgument);
        assert.deepEqual(Object.keys(fieldsOf(error)), [field]);
      }
    }
  });

  it('ends when the server stops, and says how to go on', async () => {
    await using running = await startWith();
    const watches = await Promise.all(
      Object.values(running.transports).map((transport) =>
        begin(running, {}, createClient(DeliveryService, transport)),
      ),
    );
    const ends = watches.map((watch) => refusal(watch.next()));
    running.api.health.stop();
    for (const error of await Promise.all(ends)) {
      assert.equal(error.code, Code.Unavailable);
      assert.match(error.rawMessage, /the server is stopping; watch again from the last resume_token/);
    }
  });

  it('ends at the deadline of its caller', async () => {
    await using running = await startWith();
    // Clients that know of deadlines hang up by themselves, sometimes sooner.
    const { response } = await rawWatch(running.url, '{}', { 'connect-timeout-ms': '50' });
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    assert.match(text, /"code":"deadline_exceeded"/);
    const line = await running.line(
      ({ fields }) => fields.rpc === 'carillon.v1.DeliveryService/WatchDeliveries',
    );
    assert.equal(line.fields.code, 'deadline_exceeded');
  });

  it('lets so many watch at a time, and another when one has gone', async () => {
    await using running = await startWith({ watchersMax: 2 });
    const watches = [await begin(running), await begin(running)];
    const error = await refusal(collected(running.deliveries.watchDeliveries({})));
    assert.equal(error.code, Code.ResourceExhausted);
    assert.equal(error.findDetails(RetryInfoSchema).length, 1);
    watches[0]?.stop();
    for (;;) {
      try {
        (await begin(running)).stop();
        break;
      } catch (reason) {
        // The server learns a moment later that its caller is gone.
        assert.equal(ConnectError.from(reason).code, Code.ResourceExhausted);
      }
    }
    watches[1]?.stop();
  });

  it('reads no further than its caller does', async () => {
    let read = 0;
    await using running = await startApi({
      settings: { watch: { restMs: 1, pageMax: 2 } },
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          changesSince(query) {
            if (query.after !== undefined) read++;
            return deps.store.changesSince(query);
          },
        },
      }),
    });
    const hook = await aHook(running.store);
    const first = await begin(running);
    first.stop();
    for (let n = 0; n < 200; n++) {
      await aDeliveryThat(running.store, hook, { attempt: LONG, to: EXHAUSTED });
    }
    read = 0;
    // A caller that reads nothing after the head of the answer.
    const body = JSON.stringify({ resumeToken: first.token });
    const { response, request } = await rawWatch(running.url, body);
    response.pause();
    let before = -1;
    while (before !== read) {
      before = read;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(read < 100, `${read} pages were read`);
    request.destroy();
  });

  it('cuts off a caller that takes no message for too long, over HTTP/1.1 and HTTP/2', async () => {
    await using running = await startApi({ settings: { watch: { restMs: 1 }, stallMs: 50 } });
    const hook = await aHook(running.store);
    const first = await begin(running);
    first.stop();
    for (let n = 0; n < 200; n++) {
      await aDeliveryThat(running.store, hook, { attempt: LONG, to: EXHAUSTED });
    }
    const body = JSON.stringify({ resumeToken: first.token });
    const cut = () =>
      running.line(
        ({ fields }) => typeof fields.cutOff === 'string' && /took no message/.test(fields.cutOff),
      );

    const { response, request } = await rawWatch(running.url, body);
    response.pause();
    const gone = new Promise((resolve) => response.once('error', resolve).once('close', resolve));
    await cut();
    response.resume();
    await gone;
    request.destroy();

    const lines = running.lines.length;
    const session = connectHttp2(running.url2);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/carillon.v1.DeliveryService/WatchDeliveries',
      'content-type': 'application/connect+json',
    });
    stream.end(envelope(body));
    stream.on('error', () => {});
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await running.line((line) => running.lines.indexOf(line) >= lines && line.fields.cutOff !== undefined);
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    session.destroy();
  });

  it('does so over native gRPC, and ends there when the server stops', async () => {
    await using running = await startWith();
    await using port = await startGrpc(running.api.services);
    const hook = await aHook(running.store);
    const stream = port.client.serverStream(DeliveryService.method.watchDeliveries, {});
    const messages = stream[Symbol.asyncIterator]();
    const next = async () => (await messages.next()).value as WatchDeliveriesResponse;
    assert.equal((await next()).delivery, undefined);
    const id = await aDeliveryThat(running.store, hook, { status: 200 });
    assert.equal((await next()).delivery?.id, id);
    running.api.health.stop();
    const error = await grpcRefusal(next());
    assert.equal(error.code, Code.Unavailable);
  });

  it('cuts off a caller that takes no message for too long, over native gRPC', async () => {
    await using running = await startApi({ settings: { watch: { restMs: 1 }, stallMs: 50 } });
    await using port = await startGrpc(running.api.services);
    const hook = await aHook(running.store);
    const first = await begin(running);
    first.stop();
    for (let n = 0; n < 200; n++) await aDeliveryThat(running.store, hook, { attempt: LONG, to: EXHAUSTED });
    const session = connectHttp2(`http://127.0.0.1:${port.address.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/carillon.v1.DeliveryService/WatchDeliveries',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const request = create(WatchDeliveriesRequestSchema, { resumeToken: first.token });
    stream.end(envelope(toBinary(WatchDeliveriesRequestSchema, request)));
    stream.on('error', () => {});
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await port.line(({ fields }) => fields.cutOff === 'it took no message for 50 ms');
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    session.destroy();
  });
});

/** All that a stream sends. */
async function collected<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const messages: T[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

/** A message with its prefix, the same for Connect and gRPC. */
function envelope(message: string | Uint8Array): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A watch over Connect whose answer has begun, and is read by nobody yet. */
async function rawWatch(url: string, json: string, headers: Record<string, string> = {}) {
  const request = httpRequest(`${url}/carillon.v1.DeliveryService/WatchDeliveries`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/connect+json', ...headers },
  });
  request.on('error', () => {});
  request.end(envelope(json));
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
    request.once('response', resolve),
  );
  return { request, response };
}
