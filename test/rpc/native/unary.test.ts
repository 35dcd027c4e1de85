import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { compressionAlgorithms, Metadata } from '@grpc/grpc-js';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { DomainError } from '../../../src/domain/error.ts';
import { Chat, Collect, Echo, NoteSchema, note, Repeat } from '../../support/echo.ts';
import {
  framed,
  grpcClient,
  grpcRefusal,
  pathOf,
  rawHttp2,
  startEcho,
  statusOf,
} from '../../support/grpc.ts';

const ECHO = pathOf(Echo);

describe('A call over native gRPC', () => {
  it('answers a message with a message', async () => {
    await using port = await startEcho();
    const data = new Uint8Array([0, 255]);
    const { message } = await port.client.unary(Echo, note({ text: 'hé\0llo', count: -7, data }));
    assert.deepEqual(message, note({ text: 'hé\0llo', count: -7, data }));
  });

  it('has no message beside its status when it goes well', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    const { fields } = await raw.send({ ':path': ECHO }, framed(new Uint8Array(0)));
    assert.deepEqual([fields['grpc-status'], fields['grpc-message']], ['0', '']);
  });

  it('sends binary headers without padding', async () => {
    await using port = await startEcho({
      echo(message, { responseHeader, responseTrailer }) {
        responseHeader.set('one-bin', 'AA');
        responseTrailer.append('many-bin', 'AA');
        responseTrailer.append('many-bin', 'AAE');
        return message;
      },
      repeat: () => {
        throw new DomainError('INVALID', 'no', { violations: [{ field: 'text', description: 'no' }] });
      },
    });
    await using raw = rawHttp2(port.address);
    const { fields } = await raw.send({ ':path': ECHO }, framed(new Uint8Array(0)));
    assert.deepEqual([fields['one-bin'], fields['many-bin']], ['AA', 'AA, AAE']);
    const failed = await raw.send({ ':path': pathOf(Repeat) }, framed(new Uint8Array(0)));
    assert.ok(failed.details !== undefined && failed.details.length % 3 !== 0);
    assert.doesNotMatch(String(failed.fields['grpc-status-details-bin']), /=/);
  });

  it('answers an empty message with an empty message', async () => {
    await using port = await startEcho();
    const { code, response } = await port.client.raw(ECHO, new Uint8Array(0));
    assert.deepEqual([code, response?.length], [0, 0]);
  });

  it('answers a message with many', async () => {
    await using port = await startEcho();
    const counts: number[] = [];
    for await (const { count } of port.client.serverStream(Repeat, note({ count: 100 }))) counts.push(count);
    assert.deepEqual(counts, [...Array(100).keys()]);
  });

  it('answers a message with none', async () => {
    await using port = await startEcho();
    for await (const _ of port.client.serverStream(Repeat, note({ count: 0 }))) assert.fail('it is one');
  });

  it('answers many messages with one, and none with one', async () => {
    await using port = await startEcho();
    const many = port.client.clientStream(Collect);
    for (const text of ['a', 'b', 'c']) many.stream.write(note({ text }));
    many.stream.end();
    assert.deepEqual(await many.answer, note({ text: 'abc', count: 3 }));
    const none = port.client.clientStream(Collect);
    none.stream.end();
    assert.deepEqual(await none.answer, note({ count: 0 }));
  });

  it('answers each message as it comes', async () => {
    await using port = await startEcho();
    const stream = port.client.bidi(Chat);
    const seen: string[] = [];
    stream.write(note({ text: '0' }));
    for await (const { text } of stream) {
      seen.push(text);
      if (seen.length < 50) stream.write(note({ text: String(seen.length) }));
      else stream.end();
    }
    assert.deepEqual(seen, [...Array(50).keys()].map(String));
  });

  it('keeps many calls on one connection apart', async () => {
    await using port = await startEcho();
    const texts = [...Array(300).keys()].map(String);
    const answers = await Promise.all(texts.map((text) => port.client.unary(Echo, note({ text }))));
    assert.deepEqual(
      answers.map(({ message }) => message.text),
      texts,
    );
  });

  it('carries metadata both ways, text and binary', async () => {
    await using port = await startEcho({
      echo(message, { requestHeader, responseHeader, responseTrailer }) {
        responseHeader.set('got', requestHeader.get('asked') ?? '');
        responseHeader.append('many', 'one');
        responseHeader.append('many', 'two');
        responseTrailer.set('got-bin', requestHeader.get('asked-bin') ?? '');
        return message;
      },
    });
    const metadata = new Metadata();
    metadata.set('asked', 'what?');
    metadata.set('asked-bin', Buffer.from([0, 1, 255]));
    const { headers, trailers } = await port.client.unary(Echo, note({}), { metadata });
    assert.deepEqual([headers.get('got'), headers.get('many')], [['what?'], ['one, two']]);
    assert.deepEqual(trailers.get('got-bin'), [Buffer.from([0, 1, 255])]);
  });

  it('sends headers before the first message of a stream, and trailers after the last', async () => {
    await using port = await startEcho({
      async *repeat(message, context) {
        context.responseHeader.set('at', 'first');
        yield message;
        context.responseTrailer.set('at', 'last');
      },
    });
    const stream = port.client.serverStream(Repeat, note({}));
    const seen: unknown[] = [];
    stream.on('metadata', (metadata: Metadata) => seen.push(metadata.get('at')[0]));
    stream.on('status', ({ metadata }) => seen.push(metadata.get('at')[0]));
    stream.on('data', () => seen.push('message'));
    await new Promise((resolve) => stream.once('status', resolve));
    assert.deepEqual(seen, ['first', 'message', 'last']);
  });

  it('sends headers without messages, and with a failure', async () => {
    await using port = await startEcho({
      // biome-ignore lint/correctness/useYield: there are none
      async *repeat({ text }, { responseHeader }) {
        responseHeader.set('at', 'first');
        if (text !== '') throw new DomainError('ABORTED', text);
      },
    });
    for (const text of ['', 'enough']) {
      const stream = port.client.serverStream(Repeat, note({ text }));
      const headers = new Promise<Metadata>((resolve) => stream.once('metadata', resolve));
      stream.on('error', ({ message }) => assert.match(message, /enough/));
      stream.resume();
      assert.deepEqual((await headers).get('at'), ['first']);
    }
  });

  it('tells its handler what is called, and how', async () => {
    await using port = await startEcho({
      echo: (_, { service, method, protocolName, requestMethod, url }) =>
        note({ text: [service.typeName, method.name, protocolName, requestMethod, url].join(' ') }),
    });
    const { message } = await port.client.unary(Echo, note({}));
    const url = `http://127.0.0.1:${port.address.port}/test.v1.EchoService/Echo`;
    assert.equal(message.text, `test.v1.EchoService Echo grpc POST ${url}`);
  });

  it('takes compressed messages', async () => {
    await using port = await startEcho();
    for (const algorithm of [compressionAlgorithms.gzip, compressionAlgorithms.deflate]) {
      const client = grpcClient(port.address, { 'grpc.default_compression_algorithm': algorithm });
      const { message } = await client.unary(Echo, note({ text: 'x'.repeat(10_000) }));
      assert.equal(message.text.length, 10_000);
      client.close();
    }
  });

  it('has one line in the log', async () => {
    await using port = await startEcho({ echo: () => Promise.reject(new DomainError('NOT_FOUND', 'no')) });
    await grpcRefusal(port.client.unary(Echo, note({})));
    for await (const _ of port.client.serverStream(Repeat, note({ count: 3 })));
    await port.line(({ message }) => message === 'test.v1.EchoService/Repeat ok');
    assert.deepEqual(
      port.lines.map(({ level, message, fields: { rpc, protocol, code } }) => [
        level,
        message,
        rpc,
        protocol,
        code,
      ]),
      [
        ['info', 'test.v1.EchoService/Echo not_found', 'test.v1.EchoService/Echo', 'grpc', 'not_found'],
        ['info', 'test.v1.EchoService/Repeat ok', 'test.v1.EchoService/Repeat', 'grpc', 'ok'],
      ],
    );
    assert.equal(typeof port.lines[0]?.fields.durationMs, 'number');
  });
});

describe('A failure over native gRPC', () => {
  it('has a code, a message and details', async () => {
    const violations = [{ field: 'text', description: 'must be “kind”' }];
    await using port = await startEcho({
      echo: () => Promise.reject(new DomainError('INVALID', 'text: must be “kind”, 100%', { violations })),
    });
    const error = await grpcRefusal(port.client.unary(Echo, note({})));
    assert.deepEqual([error.code, error.details], [Code.InvalidArgument, 'text: must be “kind”, 100%']);
    const status = statusOf(error);
    assert.deepEqual([status.code, status.message], [error.code, error.details]);
    const [any] = status.details;
    assert.equal(any?.typeUrl, 'type.googleapis.com/google.rpc.BadRequest');
    assert.equal(fromBinary(BadRequestSchema, any!.value).fieldViolations[0]?.description, 'must be “kind”');
  });

  it('may come after messages, and keeps them', async () => {
    await using port = await startEcho({
      async *repeat(message) {
        yield message;
        throw new DomainError('ABORTED', 'enough');
      },
    });
    let received = 0;
    const read = async () => {
      for await (const _ of port.client.serverStream(Repeat, note({}))) received++;
    };
    const error = await grpcRefusal(read());
    assert.deepEqual([received, error.code, error.details], [1, Code.Aborted, 'enough']);
  });

  it('of a handler that nobody foresaw shows an id, and nothing else', async () => {
    await using port = await startEcho({
      echo: () => Promise.reject(new Error('SELECT secret FROM vault')),
      // biome-ignore lint/correctness/useYield: it fails before
      async *chat() {
        throw new TypeError('vault');
      },
    });
    const unary = await grpcRefusal(port.client.unary(Echo, note({})));
    const stream = port.client.bidi(Chat);
    const bidi = await grpcRefusal(stream.toArray());
    for (const { code, details } of [unary, bidi]) {
      assert.equal(code, Code.Internal);
      assert.match(details, /^internal error; .* [0-9a-f]{16}$/);
    }
  });

  it('carries the metadata of the error and the trailers of the handler', async () => {
    await using port = await startEcho({
      echo(_, { responseTrailer }) {
        responseTrailer.set('by', 'handler');
        throw new ConnectError('no', Code.DataLoss, { because: 'of that' });
      },
    });
    const { metadata, code } = await grpcRefusal(port.client.unary(Echo, note({})));
    assert.deepEqual([code, metadata.get('by'), metadata.get('because')], [15, ['handler'], ['of that']]);
  });

  it('is INTERNAL when a handler sets what gRPC cannot send', async () => {
    await using port = await startEcho({
      echo(message, { responseHeader, responseTrailer }) {
        (message.text === 'header' ? responseHeader : responseTrailer).set('name', 'Zoë');
        return message;
      },
    });
    for (const text of ['header', 'trailer']) {
      assert.equal((await grpcRefusal(port.client.unary(Echo, note({ text })))).code, Code.Internal);
    }
  });

  it('is INTERNAL when its message is no Unicode', async () => {
    await using port = await startEcho({
      echo: () => Promise.reject(new ConnectError('half a \ud83d', Code.Aborted)),
    });
    assert.equal((await grpcRefusal(port.client.unary(Echo, note({})))).code, Code.Internal);
  });
});

describe('What native gRPC cannot understand', () => {
  it('is told what there is', async () => {
    await using port = await startEcho();
    const method = await port.client.raw('/test.v1.EchoService/Ecco', new Uint8Array(0));
    assert.equal(method.code, Code.Unimplemented);
    assert.equal(method.message, 'test.v1.EchoService has Echo, Repeat, Collect, Chat, and no other methods');
    const service = await port.client.raw('/test.v2.EchoService/Echo', new Uint8Array(0));
    assert.equal(service.code, Code.Unimplemented);
    assert.equal(service.message, 'there is no such RPC; the services are test.v1.EchoService');
  });

  it('is told so whatever the path', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    for (const path of ['/', '/%zz', '/constructor/__proto__', `/${'x'.repeat(5000)}`]) {
      assert.equal((await raw.send({ ':path': path })).grpcStatus, Code.Unimplemented, path);
    }
    assert.equal((await raw.send({ ':path': ECHO }, framed(new Uint8Array(0)))).grpcStatus, 0);
  });

  it('is told which content types there are', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    const send = (type: string) =>
      raw.send({ ':path': ECHO, 'content-type': type }, framed(new Uint8Array(0)));
    for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc;charset=utf-8']) {
      assert.equal((await send(type)).grpcStatus, 0, type);
    }
    for (const type of ['application/grpc+json', 'application/grpc-web+proto', 'application/grpc+thrift']) {
      const { grpcStatus, grpcMessage } = await send(type);
      assert.equal(grpcStatus, Code.Unimplemented, type);
      assert.match(grpcMessage, /content-type application\/grpc/);
    }
    for (const type of ['application/json', 'text/plain', '']) {
      const { status, body } = await send(type);
      assert.equal(status, 415, type);
      assert.match(String(body), /JSON, Connect and gRPC-Web go to the other port/);
    }
  });

  it('is INVALID_ARGUMENT when it is no message, in every kind of call', async () => {
    await using port = await startEcho();
    const garbage = Buffer.from('garbage!');
    for (const method of [Echo, Repeat, Collect, Chat]) {
      const { code, message, details } = await port.client.raw(pathOf(method), garbage);
      assert.equal(code, Code.InvalidArgument, method.name);
      assert.match(message, /is not a test\.v1\.Note: /);
      assert.ok(details !== undefined);
    }
    const invalidUtf8 = await port.client.raw(ECHO, new Uint8Array([0x0a, 0x02, 0xc3, 0x28]));
    assert.equal(invalidUtf8.code, Code.InvalidArgument);
  });

  it('is UNIMPLEMENTED when it has more or fewer messages than the call takes', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    const one = framed(new Uint8Array(0));
    for (const [path, kind] of [
      [ECHO, 'unary'],
      [pathOf(Repeat), 'server-streaming'],
    ] as const) {
      const none = await raw.send({ ':path': path });
      assert.deepEqual(
        [none.grpcStatus, none.grpcMessage],
        [Code.Unimplemented, `protocol error: missing input message for ${kind} method`],
      );
      const two = await raw.send({ ':path': path }, Buffer.concat([one, one]));
      assert.deepEqual(
        [two.grpcStatus, two.grpcMessage],
        [Code.Unimplemented, `protocol error: received extra input message for ${kind} method`],
      );
    }
  });

  it('is not done when its deadline has passed, its verb is another, or it is cut short', async () => {
    let done = 0;
    await using port = await startEcho({ echo: (message) => note({ ...message, count: ++done }) });
    await using raw = rawHttp2(port.address);
    const whole = framed(toBinary(NoteSchema, note({ text: 'x'.repeat(10) })));
    const over = await raw.send({ ':path': ECHO, 'grpc-timeout': '0S' }, whole);
    const other = await raw.send({ ':path': ECHO, ':method': 'PUT' }, whole);
    const half = await raw.send({ ':path': ECHO }, whole.subarray(0, -1));
    assert.deepEqual(
      [over, other, half].map(({ grpcStatus }) => grpcStatus),
      [Code.DeadlineExceeded, Code.Unimplemented, Code.Internal],
    );
    assert.equal(other.fields.allow, 'POST');
    assert.equal(done, 0);
  });

  it('is refused when its compression is unknown or broken', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    const note10 = toBinary(NoteSchema, note({ text: 'x'.repeat(10) }));
    const send = (encoding: string, bytes: Uint8Array) =>
      raw.send({ ':path': ECHO, 'grpc-encoding': encoding }, framed(bytes, 1));
    assert.equal((await send('gzip', gzipSync(note10))).grpcStatus, 0);
    const unknown = await send('zstd', note10);
    assert.deepEqual([unknown.grpcStatus, /zstd/.test(unknown.grpcMessage)], [Code.Unimplemented, true]);
    assert.equal((await send('gzip', note10)).grpcStatus, Code.InvalidArgument);
    // An unknown one is refused also where no message uses it.
    const unused = await raw.send({ ':path': ECHO, 'grpc-encoding': 'zstd' }, framed(note10));
    for (const { grpcStatus, fields } of [unknown, unused]) {
      assert.deepEqual([grpcStatus, fields['grpc-accept-encoding']], [Code.Unimplemented, 'gzip,deflate']);
    }
  });

  it('is refused when its timeout is none', async () => {
    await using port = await startEcho();
    await using raw = rawHttp2(port.address);
    for (const timeout of ['soon', '5', '-1S', '123456789S', '1s']) {
      const headers = { ':path': ECHO, 'grpc-timeout': timeout };
      const { grpcStatus, grpcMessage } = await raw.send(headers, framed(new Uint8Array(0)));
      assert.equal(grpcStatus, Code.InvalidArgument, timeout);
      assert.match(grpcMessage, /invalid grpc timeout/);
    }
  });

  it('does no harm when its metadata is broken', async () => {
    await using port = await startEcho({
      echo: (_, { requestHeader }) => note({ text: requestHeader.get('broken-bin') ?? 'none' }),
    });
    await using raw = rawHttp2(port.address);
    for (const headers of [
      { 'broken-bin': '!!!' },
      { broken: 'Zo\u00eb' },
      { 'grpc-status-details-bin': '%' },
    ]) {
      assert.equal((await raw.send({ ':path': ECHO, ...headers }, framed(new Uint8Array(0)))).grpcStatus, 0);
    }
  });
});

describe('A large message over native gRPC', () => {
  const bytesOf = (size: number) => toBinary(NoteSchema, note({ text: 'x'.repeat(size - 4) }));

  it('is taken at the limit, and RESOURCE_EXHAUSTED above', async () => {
    await using port = await startEcho({}, { settings: { messageBytesMax: 70_000 } });
    assert.equal(bytesOf(70_000).length, 70_000);
    assert.equal((await port.client.raw(ECHO, bytesOf(70_000))).code, 0);
    for (const method of [Echo, Repeat, Collect, Chat]) {
      const { code, message } = await port.client.raw(pathOf(method), bytesOf(70_001));
      assert.equal(code, Code.ResourceExhausted, method.name);
      assert.match(message, /is larger than the 7000[05] bytes allowed/);
      const line = await port.line(
        ({ fields }) => fields.rpc === pathOf(method).slice(1) && fields.code !== 'ok',
      );
      assert.equal(line.fields.code, 'resource_exhausted');
    }
  });

  it('is RESOURCE_EXHAUSTED when it only becomes one', async () => {
    await using port = await startEcho({}, { settings: { messageBytesMax: 70_000 } });
    await using raw = rawHttp2(port.address);
    const zipped = framed(gzipSync(bytesOf(70_001)), 1);
    const { grpcStatus, grpcMessage } = await raw.send({ ':path': ECHO, 'grpc-encoding': 'gzip' }, zipped);
    assert.equal(grpcStatus, Code.ResourceExhausted);
    assert.match(grpcMessage, /larger than the 70000 bytes allowed, once it is decompressed/);
  });

  it('may be sent as an answer', async () => {
    await using port = await startEcho({ echo: () => note({ data: new Uint8Array(8 * 1024 * 1024) }) });
    const client = grpcClient(port.address, { 'grpc.max_receive_message_length': -1 });
    const { message } = await client.unary(Echo, note({}));
    assert.equal(message.data.length, 8 * 1024 * 1024);
    client.close();
  });
});
