import assert from 'node:assert/strict';
import { connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Code } from '@connectrpc/connect';
import { status } from '@grpc/grpc-js';
import { systemClock } from '../../../src/domain/clock.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import type { Address } from '../../../src/server/listen/bind.ts';
import { createGrpcServer } from '../../../src/server/listen/grpc-listener.ts';
import { Chat, Echo, echoServices, note, Repeat } from '../../support/echo.ts';
import { framed, grpcClient, grpcRefusal, pathOf, rawHttp2, startEcho } from '../../support/grpc.ts';
import { recordingLog } from '../../support/log.ts';

const ONE = framed(new Uint8Array(0));
/** Everything that a server says to these bytes until it hangs up. */
function talk({ host, port }: Address, bytes: Uint8Array | string): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, host);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.write(bytes);
  });
}

describe('The native gRPC port when it stops', () => {
  it('lets calls in flight finish, and takes no new ones', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: go, resolve } = Promise.withResolvers<void>();
    await using port = await startEcho({
      async echo(message) {
        ask();
        await go;
        return message;
      },
    });
    const call = port.client.unary(Echo, note({ text: 'late' }));
    await asked;
    const closed = port.server.close(60_000);
    const late = grpcClient(port.address);
    assert.equal((await grpcRefusal(late.unary(Echo, note({})))).code, status.UNAVAILABLE);
    late.close();
    resolve();
    assert.equal((await call).message.text, 'late');
    await closed;
  });

  it('lets streams in flight finish', async () => {
    await using port = await startEcho();
    const stream = port.client.bidi(Chat);
    stream.write(note({ text: 'before' }));
    const texts: string[] = [];
    let closed: Promise<void> | undefined;
    for await (const { text } of stream) {
      texts.push(text);
      if (text === 'after') stream.end();
      else {
        closed = port.server.close(60_000);
        stream.write(note({ text: 'after' }));
      }
    }
    await closed;
    assert.deepEqual(texts, ['before', 'after']);
  });

  it('cuts off what is not done in time', async () => {
    await using port = await startEcho({ echo: () => new Promise(() => {}) });
    const call = grpcRefusal(port.client.unary(Echo, note({})));
    const stream = port.client.bidi(Chat);
    const streamed = grpcRefusal(stream.toArray());
    stream.write(note({}));
    await new Promise((resolve) => stream.once('readable', resolve));
    await port.server.close(20);
    for (const refusal of [await call, await streamed]) {
      assert.equal(refusal.code, status.UNAVAILABLE);
      assert.equal(refusal.details, 'the server is stopping, and this call was not done in time');
    }
    await port.line(() => port.lines.length === 2);
    assert.deepEqual(
      port.lines.map(({ fields }) => fields.code),
      ['unavailable', 'unavailable'],
    );
  });

  it('does not wait for callers who do not take its last answer', async () => {
    const asked = Promise.withResolvers<void>();
    const echo = () => new Promise<never>(() => asked.resolve());
    await using port = await startEcho({ echo }, { limits: { lingerMs: 60_000 } });
    const socket = connectTcp({ ...port.address, allowHalfOpen: true });
    let isDeaf = false;
    const line = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    });
    socket.on('data', (chunk: Buffer) => isDeaf || line.push(chunk));
    const session = connect('http://localhost', { createConnection: () => line });
    session.on('error', () => {});
    const head = { ':method': 'POST', ':path': pathOf(Echo), 'content-type': 'application/grpc' };
    session
      .request(head)
      .on('error', () => {})
      .end(ONE);
    await asked.promise;
    isDeaf = true;
    await port.server.close(20);
    session.destroy();
    socket.destroy();
  });

  it('does not wait for connections without calls, nor for those that never say anything', async () => {
    await using port = await startEcho({}, { limits: { lingerMs: 20 } });
    await port.client.unary(Echo, note({}));
    const silent = connectTcp(port.address.port, port.address.host);
    await new Promise((resolve) => silent.once('connect', resolve));
    const deaf = connectTcp({ ...port.address, allowHalfOpen: true });
    deaf.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await new Promise((resolve) => deaf.once('data', resolve));
    await port.server.close(60_000);
    silent.destroy();
    deaf.destroy();
  });

  it('can be told twice, the second time to hurry', async () => {
    await using port = await startEcho({ echo: () => new Promise(() => {}) });
    const call = grpcRefusal(port.client.unary(Echo, note({})));
    const other = rawHttp2(port.address);
    await new Promise((resolve) => other.session.once('connect', resolve));
    const first = port.server.close(60_000);
    await Promise.all([port.server.close(10), first]);
    await call;
    await other[Symbol.asyncDispose]();
  });

  it('has nothing to stop when it never listened', async () => {
    const server = createGrpcServer({
      services: echoServices(),
      settings: { messageBytesMax: 1, connectionsMax: 1 },
      log: recordingLog().log,
      clock: systemClock,
    });
    await server.close(60_000);
    await server.close(60_000);
  });
});

describe('The native gRPC port', () => {
  it('that is taken is not listened on, and the operator is told what to do', async () => {
    await using port = await startEcho();
    const server = createGrpcServer({
      services: echoServices(),
      settings: { messageBytesMax: 1, connectionsMax: 1 },
      log: recordingLog().log,
      clock: systemClock,
    });
    await assert.rejects(server.listen(port.address), {
      code: 'FAILED_PRECONDITION',
      message: `127.0.0.1:${port.address.port} is already in use; choose another with --grpc-listen`,
    });
    await server.close(0);
  });
});

describe('A connection to the native gRPC port', () => {
  it('is told which protocol it is when it speaks HTTP/1.1', async () => {
    await using port = await startEcho();
    const answer = await talk(port.address, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(String(answer), /^HTTP\/1\.1 505 .*\r\n\r\nthis port speaks gRPC, over HTTP\/2/s);
  });

  it('has so many calls at once, and others wait', async () => {
    let open = 0;
    let most = 0;
    await using port = await startEcho(
      {
        async echo(message) {
          most = Math.max(most, ++open);
          await setTimeout(5);
          open--;
          return message;
        },
      },
      { limits: { streamsMax: 3 } },
    );
    await port.client.unary(Echo, note({}));
    await Promise.all([...Array(20)].map(() => port.client.unary(Echo, note({}))));
    assert.equal(most, 3);
  });

  it('is closed when it is idle', async () => {
    await using port = await startEcho({}, { limits: { idleMs: 30 } });
    await using raw = rawHttp2(port.address);
    const closed = new Promise((resolve) => raw.session.once('close', resolve));
    assert.equal((await raw.send({ ':path': pathOf(Echo) }, ONE)).grpcStatus, 0);
    await closed;
  });

  it('takes no new calls when it is old, and finishes those it has', async () => {
    await using port = await startEcho({}, { limits: { ageMs: 50 } });
    await using raw = rawHttp2(port.address);
    const old = new Promise((resolve) => raw.session.once('goaway', resolve));
    const stream = raw.session.request({
      ':method': 'POST',
      ':path': pathOf(Chat),
      'content-type': 'application/grpc',
    });
    const trailers = new Promise<Record<string, unknown>>((resolve) => stream.once('trailers', resolve));
    stream.resume();
    await old;
    stream.end(ONE);
    assert.equal((await trailers)['grpc-status'], '0');
  });

  it('is asked whether its other end exists', async () => {
    await using port = await startEcho({}, { limits: { probeMs: 10, probeTimeoutMs: 30 } });
    await using raw = rawHttp2(port.address);
    await new Promise((resolve) => raw.session.once('ping', resolve));
    const deaf = await talk(port.address, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    assert.ok(deaf.length > 0);
  });
});

describe('Pings to the native gRPC port', () => {
  const ping = (session: ReturnType<typeof connect>) =>
    new Promise<Error | null>((resolve) => {
      if (session.destroyed || !session.ping((error) => resolve(error))) resolve(new Error('closed'));
    });

  it('end a connection that sends too many', async () => {
    await using port = await startEcho();
    const session = connect(`http://127.0.0.1:${port.address.port}`);
    session.on('error', () => {});
    const goaway = new Promise<unknown[]>((resolve) => session.once('goaway', (...said) => resolve(said)));
    await new Promise((resolve) => session.once('connect', resolve));
    for (let i = 0; i < 10; i++) await ping(session);
    const [code, , data] = await goaway;
    assert.deepEqual([code, String(data)], [constants.NGHTTP2_ENHANCE_YOUR_CALM, 'too_many_pings']);
  });

  it('are welcome now and then', async () => {
    await using port = await startEcho({}, { limits: { pingMinMs: 10 } });
    await using raw = rawHttp2(port.address);
    await new Promise((resolve) => raw.session.once('connect', resolve));
    for (let i = 0; i < 6; i++) {
      await setTimeout(15);
      assert.equal(await ping(raw.session), null);
    }
  });

  it('are welcome while something is sent', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    for (let i = 0; i < 10; i++) {
      await raw.send({ ':path': pathOf(Echo) }, ONE);
      assert.equal(await ping(raw.session), null);
    }
  });
});

describe('Nonsense on the native gRPC port', () => {
  it('ends its own connection and nothing else', async () => {
    await using port = await startEcho();
    const random = systemRandom();
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const frame = (type: number, flags: number, stream: number, payload: Uint8Array) => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head.writeUInt8(type, 3);
      head.writeUInt8(flags, 4);
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, payload]);
    };
    const nonsense = [
      random.bytes(1000),
      Buffer.concat([preface, random.bytes(1000)]),
      Buffer.concat([preface, settings, frame(1, 5, 1, random.bytes(200))]),
      Buffer.concat([preface, settings, frame(0, 1, 1, random.bytes(200))]),
      Buffer.concat([preface, settings, frame(8, 0, 0, new Uint8Array(4))]),
    ];
    await Promise.all(nonsense.map((bytes) => talk(port.address, bytes)));
    assert.equal((await port.client.unary(Echo, note({ text: 'well' }))).message.text, 'well');
  });

  it('in frames ends its own call and nothing else', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    const random = systemRandom();
    for (const method of [Echo, Repeat, Chat]) {
      for (let i = 0; i < 30; i++) {
        const body = random.bytes(1 + (i % 12));
        const { grpcStatus, status: http } = await raw.send({ ':path': pathOf(method) }, body);
        assert.ok(grpcStatus !== undefined, `${http} to ${Buffer.from(body).toString('hex')}`);
      }
    }
    const { grpcStatus } = await raw.send({ ':path': pathOf(Echo) }, Buffer.from([2, 255, 255, 255, 255, 0]));
    assert.equal(grpcStatus, Code.ResourceExhausted);
    assert.equal((await raw.send({ ':path': pathOf(Echo) }, ONE)).grpcStatus, 0);
  });
});
