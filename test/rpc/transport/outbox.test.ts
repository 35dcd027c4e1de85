import assert from 'node:assert/strict';
import { type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { EventService, GetEventRequestSchema } from '../../../gen/carillon/v1/event_pb.ts';
import { createOutbox } from '../../../src/rpc/transport/outbox.ts';
import { framed, pathOf, type RunningGrpc, startGrpc } from '../../support/grpc.ts';
import { type RunningApi, startApi } from '../../support/rpc.ts';

const MIB = 1024 * 1024;
const LIMITS = { connectionBytesMax: 4 * MIB, bytesMax: 16 * MIB, checkMs: 5 };
/** An answer can be larger than what is kept for it: 900,000 bytes are 1.2 MB in base64. */
const OVER = 2.5;
const CALLS = 24;
const ID = 'large';
const LARGE = {
  event: { id: ID, type: 'a', data: { case: 'bytes', value: new Uint8Array(900_000) } as const },
};

interface Unread {
  /** How many of the calls were cut off. */
  cutOff(): number;
}

async function until(reached: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (reached()) return;
    await setTimeout(5);
  }
  assert.fail(`it did not come to ${what}`);
}

/** Calls that are made over HTTP/2 by somebody who takes nothing of an answer. */
function askHttp2(
  t: TestContext,
  url: string,
  request: (session: ReturnType<typeof connectHttp2>) => ClientHttp2Stream,
): Unread {
  const session = connectHttp2(url, { settings: { initialWindowSize: 0 } });
  session.on('error', () => {});
  t.after(() => session.destroy());
  let count = 0;
  for (let i = 0; i < CALLS; i++) {
    const stream = request(session);
    stream.on('error', () => {});
    stream.on('close', () => {
      if (stream.rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM) count++;
    });
  }
  return { cutOff: () => count };
}

function grpc(session: ReturnType<typeof connectHttp2>): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': pathOf(EventService.method.getEvent),
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(framed(toBinary(GetEventRequestSchema, create(GetEventRequestSchema, { id: ID }))));
  return stream;
}

describe('Answers that nobody reads', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  before(async () => {
    api = await startApi({ settings: { outbox: LIMITS } });
    native = await startGrpc(api.api.services);
    await api.events.publish(LARGE);
  });
  after(async () => {
    await native[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });
  const { held } = { held: () => api.api.services.outbox.bytes };

  const WAYS: Readonly<Record<string, (t: TestContext) => Unread>> = {
    'gRPC over HTTP/2': (t) => askHttp2(t, api.url2, grpc),
    'native gRPC': (t) => askHttp2(t, `http://${native.address.host}:${native.address.port}`, grpc),
    'Connect in JSON over HTTP/2': (t) =>
      askHttp2(t, api.url2, (session) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': pathOf(EventService.method.getEvent),
          'content-type': 'application/json',
        });
        stream.end(JSON.stringify({ id: ID }));
        return stream;
      }),
    'REST over HTTP/2': (t) =>
      askHttp2(t, api.url2, (session) => session.request({ ':path': `/v1/events/${ID}` })),
  };

  for (const [way, ask] of Object.entries(WAYS)) {
    it(`take what a connection may have and no more, and are cut off in time, in ${way}`, async (t) => {
      const unread = ask(t);
      let most = 0;
      await until(() => {
        most = Math.max(most, held());
        return held() > 2 * MIB;
      }, 'unread answers');
      for (let i = 0; i < 40; i++) {
        await setTimeout(5);
        most = Math.max(most, held());
      }
      assert.ok(most <= OVER * LIMITS.connectionBytesMax, `${most} bytes were held`);
      assert.equal(unread.cutOff(), 0);
      // Others are served meanwhile.
      assert.equal((await api.events.getEvent({ id: ID })).event?.id, ID);
      await until(() => {
        api.clock.advance(60_000);
        return unread.cutOff() === CALLS;
      }, 'an end');
      await until(() => held() === 0, 'nothing');
    });
  }

  it('end the connection in HTTP/1.1, however many were asked for on it', async (t) => {
    const { hostname, port } = new URL(api.url);
    const socket: Socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.pause();
    socket.write(`GET /v1/events/${ID} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(CALLS));
    await until(() => held() > 0.5 * MIB, 'unread answers');
    await setTimeout(100);
    assert.ok(held() <= OVER * LIMITS.connectionBytesMax, `${held()} bytes were held`);
    await until(() => {
      api.clock.advance(60_000);
      return held() === 0;
    }, 'nothing');
    socket.resume();
    await gone;
  });

  it('of many connections give way to whoever reads', async (t) => {
    // Nobody is cut off here for taking too long, but only because somebody else waits.
    await using api = await startApi({ settings: { outbox: { ...LIMITS, takeMs: 3_600_000 } } });
    await api.events.publish(LARGE);
    const held = () => api.api.services.outbox.bytes;
    const all = Array.from({ length: 8 }, () => askHttp2(t, api.url2, grpc));
    await until(() => held() > LIMITS.bytesMax - MIB, 'as much as may be');
    assert.ok(held() <= OVER * LIMITS.bytesMax, `${held()} bytes were held`);
    let answered: string | undefined;
    void api.events.getEvent({ id: ID }).then(({ event }) => {
      answered = event?.id;
    });
    // Those who came before take the room that becomes free, and have their share of the time too.
    await until(() => {
      api.clock.advance(2_000);
      return answered === ID;
    }, 'an answer');
    assert.ok(all.some(({ cutOff }) => cutOff() > 0));
    assert.ok(held() <= OVER * LIMITS.bytesMax);
  });
});

describe('The room for answers', () => {
  const clock = { monotonic: () => 0 };
  it('lets one through that is larger than may be, and no second', async () => {
    const outbox = createOutbox(clock, { connectionBytesMax: 10, bytesMax: 20 });
    const connection = {};
    const [first, second] = [outbox.open(connection, () => {}), outbox.open(connection, () => {})];
    assert.equal(first.room(50), undefined);
    const waits = second.room(5);
    assert.ok(waits instanceof Promise);
    first.wrote(3);
    first.end();
    await waits;
    assert.equal(outbox.bytes, 5);
    second.end();
    second.end();
    assert.equal(outbox.bytes, 0);
  });

  it('is not kept for whoever leaves while it waits', async () => {
    const outbox = createOutbox(clock, { connectionBytesMax: 10, bytesMax: 20 });
    const connection = {};
    const [first, second] = [outbox.open(connection, () => {}), outbox.open(connection, () => {})];
    void first.room(10);
    const waits = second.room(10);
    second.end();
    await assert.rejects(waits!, /went away/);
    first.end();
    assert.equal(outbox.bytes, 0);
  });
});
