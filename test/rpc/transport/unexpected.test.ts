import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { Collect, Echo, NoteSchema, note, Repeat } from '../../support/echo.ts';
import { framed, pathOf, rawHttp2, startEcho } from '../../support/grpc.ts';
import type { WatchedLog } from '../../support/log.ts';
import { type SharedPort, startSharedEcho } from '../../support/shared-port.ts';

// What the conformance suite of Connect found, each in a test of its own. The suite itself is in test/interop.

const BIG = new Uint8Array(64 * 1024);
const ECHO = pathOf(Echo);

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function send(
  { http1 }: SharedPort,
  path: string,
  init: { headers: Record<string, string>; method?: string; body?: string | Uint8Array; agent?: Agent },
): Promise<Answer> {
  const { body, ...rest } = init;
  const request = httpRequest({ ...http1, path, method: 'POST', ...rest });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks = (await response.toArray()) as Buffer[];
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

describe('What no protocol has', () => {
  it('is answered with the code that its HTTP status stands for', async () => {
    await using port = await startSharedEcho();
    const asked = [
      { headers: { 'content-type': 'image/jpeg' }, body: '12345678' },
      { headers: { 'content-type': 'application/foo' } },
      { headers: { 'content-type': 'application/proto' }, method: 'DELETE' },
    ];
    const answers = await Promise.all(asked.map((init) => send(port, ECHO, init)));
    assert.deepEqual(
      answers.map(({ status, body }) => [status, (JSON.parse(body) as { code: string }).code]),
      [
        [415, 'unknown'],
        [415, 'unknown'],
        [405, 'unknown'],
      ],
    );
  });

  it('is UNIMPLEMENTED to a gRPC client', async () => {
    await using port = await startSharedEcho();
    await using raw = rawHttp2(port.http2);
    const codec = await raw.send({ ':path': ECHO, 'content-type': 'application/grpc+foo' });
    const verb = await raw.send({ ':path': ECHO, ':method': 'DELETE' });
    assert.deepEqual([codec.grpcStatus, verb.grpcStatus], [Code.Unimplemented, Code.Unimplemented]);
    assert.equal(verb.fields.allow, 'POST');
  });

  it('is told which compressions there are, in gRPC', async () => {
    await using port = await startSharedEcho();
    await using raw = rawHttp2(port.http2);
    const body = framed(new Uint8Array(0));
    const { grpcStatus, fields } = await raw.send({ ':path': ECHO, 'grpc-encoding': 'zstd' }, body);
    assert.deepEqual([grpcStatus, fields['grpc-accept-encoding']], [Code.Unimplemented, 'gzip,br']);
  });
});

describe('A call in JSON that fails', () => {
  it('has the headers and trailers of its handler, and of its error', async () => {
    await using port = await startSharedEcho({
      echo(_, { responseHeader, responseTrailer }) {
        responseHeader.set('x-head', 'first');
        responseTrailer.set('x-tail', 'last');
        throw new ConnectError('no', Code.Aborted, { 'x-own': 'mine', 'content-type': 'text/plain' });
      },
    });
    const { status, headers } = await send(port, ECHO, {
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.deepEqual(
      [status, headers['x-head'], headers['trailer-x-tail'], headers['x-own'], headers['content-type']],
      [409, 'first', 'last', 'mine', 'application/json'],
    );
  });

  it('is not done when its deadline has passed', async () => {
    let done = 0;
    await using port = await startSharedEcho({ echo: (message) => note({ ...message, count: ++done }) });
    const headers = { 'content-type': 'application/json', 'connect-timeout-ms': '0' };
    const { body } = await send(port, ECHO, { headers, body: '{}' });
    assert.deepEqual([(JSON.parse(body) as { code: string }).code, done], ['deadline_exceeded', 0]);
  });
});

describe('A stream of messages, one of which is too large', () => {
  const headers = { 'content-type': 'application/connect+proto' };

  it('is answered over HTTP/1.1, and the connection goes on', { timeout: 20_000 }, async () => {
    await using port = await startSharedEcho({}, 1024);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const tooLarge = framed(new Uint8Array(4 * 1024 * 1024));
    const refused = await send(port, pathOf(Collect), { headers, agent, body: tooLarge });
    assert.match(refused.body, /"code":"resource_exhausted"/);
    const small = framed(toBinary(NoteSchema, note({ text: 'small' })));
    const answered = await send(port, pathOf(Collect), { headers, agent, body: small });
    assert.match(answered.body, /small/);
    agent.destroy();
  });

  it('ends over HTTP/2 though its caller would go on sending', { timeout: 20_000 }, async () => {
    await using port = await startSharedEcho({}, 1024);
    await using raw = rawHttp2(port.http2);
    for (const type of ['application/connect+proto', 'application/grpc', 'application/grpc-web+proto']) {
      const asked = { ':path': pathOf(Collect), 'content-type': type };
      const { body, grpcStatus } = await raw.send(asked, framed(BIG), false);
      const told = grpcStatus === undefined ? body.toString() : String(grpcStatus);
      assert.match(told, /resource_exhausted|grpc-status: 8|^8$/, type);
    }
  });
});

it('A message that is cut short is INTERNAL to gRPC, and is logged as no error of ours', async () => {
  await using shared = await startSharedEcho();
  await using native = await startEcho();
  for (const [port, address] of [
    [shared, shared.http2],
    [native, native.address],
  ] as const) {
    await using raw = rawHttp2(address);
    const { grpcStatus } = await raw.send({ ':path': ECHO }, framed(BIG).subarray(0, 100));
    assert.equal(grpcStatus, Code.Internal);
    const { level, fields } = await port.line((line) => 'code' in line.fields);
    assert.deepEqual([level, fields.code], ['info', 'internal']);
  }
});

describe('A caller who leaves a busy stream', () => {
  const endless = {
    async *repeat() {
      for (;;) yield note({ data: BIG });
    },
  };
  const body = framed(toBinary(NoteSchema, note({ text: 'much' })));

  /** Its line is all there is in the log, also a moment later. */
  async function assertLeft(port: WatchedLog): Promise<void> {
    await port.line(({ fields }) => 'code' in fields);
    await sleep(50);
    assert.deepEqual(
      port.lines.map(({ level, fields }) => [level, fields.code]),
      [['info', 'canceled']],
    );
  }

  async function leave({ host, port }: { host: string; port: number }, contentType: string): Promise<void> {
    const session = connect(`http://${host}:${port}`);
    session.on('error', () => {});
    const stream = session.request({
      ':method': 'POST',
      ':path': pathOf(Repeat),
      'content-type': contentType,
    });
    stream.on('error', () => {});
    stream.end(contentType === 'application/proto' ? body.subarray(5) : body);
    await once(stream, 'data');
    stream.close(8);
    await once(stream, 'close');
    session.destroy();
  }

  it('is logged as one who left, on the port for everything', async () => {
    for (const type of ['application/grpc', 'application/grpc-web+proto', 'application/connect+proto']) {
      await using port = await startSharedEcho(endless);
      await leave(port.http2, type);
      await assertLeft(port);
    }
  });

  it('is logged as one who left over HTTP/1.1 too', async () => {
    await using port = await startSharedEcho(endless);
    const headers = { 'content-type': 'application/connect+proto' };
    const request = httpRequest({ ...port.http1, path: pathOf(Repeat), method: 'POST', headers });
    request.on('error', () => {});
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    response.destroy();
    await assertLeft(port);
  });

  it('is logged as one who left over native gRPC', async () => {
    for (const data of [BIG, new Uint8Array(100)]) {
      await using port = await startEcho({
        async *repeat() {
          for (;;) yield note({ data });
        },
      });
      await leave(port.address, 'application/grpc');
      await assertLeft(port);
    }
  });

  it('before there is an answer is logged as one who left', async () => {
    const { promise: begun, resolve: begins } = Promise.withResolvers<void>();
    await using port = await startSharedEcho({
      async *repeat(message, { signal }) {
        begins();
        await once(signal, 'abort');
        yield message;
      },
    });
    const session = connect(`http://${port.http2.host}:${port.http2.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': pathOf(Repeat),
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {});
    stream.end(body);
    await begun;
    stream.close(8);
    await assertLeft(port);
    session.destroy();
  });
});
