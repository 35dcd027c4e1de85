import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import { describe, it, test } from 'node:test';
import { Echo, echoServices, note } from '../../support/echo.ts';
import {
  framed,
  type GrpcOptions,
  grpcClient,
  pathOf,
  rawHttp2,
  startEcho,
  startGrpc,
} from '../../support/grpc.ts';
import { closed, pingpong, until, work } from '../../support/listener.ts';

test('a connection to the gRPC port beyond the bound is closed at once while the others have calls', async () => {
  const go = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using port = await startEcho(
    {
      async echo(message) {
        asked.resolve();
        await go.promise;
        return message;
      },
    },
    { settings: { connectionsMax: 1 } },
  );
  const call = port.client.unary(Echo, note({ text: 'well' }));
  await asked.promise;
  const second = connect(port.address.port, port.address.host);
  second.resume();
  const gone = once(second, 'close').then(() => 'closed');
  // One that says nothing is dropped too, but only after ten seconds.
  const late = new Promise((resolve) => setTimeout(resolve, 3_000, 'open').unref());
  assert.equal(await Promise.race([gone, late]), 'closed');
  go.resolve();
  assert.equal((await call).message.text, 'well');
});

test('a connection to the gRPC port that does nothing makes room for a new one', async () => {
  await using port = await startEcho({}, { settings: { connectionsMax: 1 } });
  await port.client.unary(Echo, note({}));
  const silent = connect(port.address.port, port.address.host);
  await once(silent, 'connect');
  const other = grpcClient(port.address);
  assert.equal((await other.unary(Echo, note({ text: 'new' }))).message.text, 'new');
  other.close();
  await closed(silent);
});

describe('Calls to the gRPC port', () => {
  const head = { ':method': 'POST', ':path': pathOf(Echo), 'content-type': 'application/grpc' };

  /** A port whose calls take a millisecond to begin, and how many have. */
  async function slowToBegin(options: GrpcOptions = {}) {
    const services = echoServices();
    const counts = { begun: 0 };
    const guard: typeof services.guard = {
      ...services.guard,
      begin(...call) {
        counts.begun++;
        work(1);
        return services.guard.begin(...call);
      },
    };
    return { port: await startGrpc({ ...services, guard }, options), counts };
  }

  it('that somebody begins by the hundred in one packet hold up nobody else', async () => {
    const { port: running, counts } = await slowToBegin();
    await using port = running;
    await using raw = rawHttp2(port.address);
    await port.client.unary(Echo, note({}));
    await pingpong(raw.session);
    counts.begun = 0;
    const streams = Array.from({ length: 400 }, () => raw.session.request(head));
    for (const stream of streams) stream.on('error', () => {});
    await port.client.unary(Echo, note({}));
    assert.ok(counts.begun < 200, `${counts.begun} of 400 came before`);
    await until(() => counts.begun === 401);
  });

  it('are as many of a caller as it leaves free for others, and more are refused', async () => {
    const { port: running, counts } = await slowToBegin({ limits: { openMax: 6 } });
    await using port = running;
    await using raw = rawHttp2(port.address);
    const streams = Array.from({ length: 4 }, () => raw.session.request(head));
    for (const stream of streams) stream.on('error', () => {});
    await closed(streams[3]!);
    assert.equal(streams[3]!.rstCode, constants.NGHTTP2_REFUSED_STREAM);
    await until(() => counts.begun === 3);
    await using elsewhere = rawHttp2(port.address, { localAddress: '127.0.0.2' });
    const one = framed(new Uint8Array(0));
    assert.equal((await elsewhere.send({ ':path': pathOf(Echo) }, one)).grpcStatus, 0);
  });
});
