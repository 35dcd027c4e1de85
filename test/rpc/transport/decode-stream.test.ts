import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, isMessage, toBinary, toJsonString } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { EventService, type PublishStreamRequest } from '../../../gen/carillon/v1/event_pb.ts';
import { DomainError } from '../../../src/domain/error.ts';
import { takeInEach } from '../../../src/rpc/transport/decode-stream.ts';
import { createFraming } from '../../../src/rpc/transport/framing.ts';
import { wireOf } from '../../../src/rpc/transport/wire.ts';
import { framed } from '../../support/grpc.ts';
import { createFeed } from '../../support/stream.ts';

const method = EventService.method.publishStream;

function message(id: string): Buffer {
  return framed(toBinary(method.input, create(method.input, { request: { event: { id, type: 'a' } } })));
}

function json(text: string | Uint8Array): Buffer {
  return framed(Buffer.from(text));
}

/** Bytes as they come, and what is handed on of them: the messages, written as they came, each with its frame. */
function open(contentType: string, options: { messageMs?: number; messageBytesMax?: number } = {}) {
  const feed = createFeed<Uint8Array>();
  const request = {
    httpVersion: '2.0',
    url: 'http://x/',
    method: 'POST',
    header: new Headers({ 'content-type': contentType, 'grpc-encoding': 'gzip' }),
    body: feed,
    signal: new AbortController().signal,
  };
  const wire = wireOf(contentType)!;
  const messages: (PublishStreamRequest | undefined)[] = [];
  const { body } = takeInEach({
    call: { connection: {} },
    request,
    method,
    wire,
    messageBytesMax: 1000,
    decoded(message) {
      assert.ok(message === undefined || isMessage(message, method.input));
      messages.push(message);
    },
    ...options,
  });
  return { feed, frames: withMessages(body as AsyncIterable<Uint8Array>, messages, wire.json) };
}

/** Puts each decoded message back into its frame, which must be empty, so that they can be compared with what came. */
async function* withMessages(
  frames: AsyncIterable<Uint8Array>,
  messages: (PublishStreamRequest | undefined)[],
  isJson: boolean,
): AsyncGenerator<Uint8Array, void> {
  for await (const frame of frames) {
    assert.equal(messages.length, 1, 'one message for each frame');
    const [message] = messages.splice(0);
    if (message === undefined) {
      yield frame;
      continue;
    }
    assert.deepEqual(Buffer.from(frame), framed(Buffer.from(isJson ? '{}' : '')));
    yield framed(isJson ? Buffer.from(toJsonString(method.input, message)) : toBinary(method.input, message));
  }
}

/** What is handed on, and what is raised then. */
async function all(frames: AsyncIterator<Uint8Array>): Promise<{ told: string[]; raised: unknown }> {
  const told: string[] = [];
  try {
    for (;;) {
      const next = await frames.next();
      if (next.done) return { told, raised: undefined };
      told.push(Buffer.from(next.value).toString('hex'));
    }
  } catch (raised) {
    return { told, raised };
  }
}

const hex = (...frames: Buffer[]) => frames.map((frame) => frame.toString('hex'));

describe('The messages of a stream', () => {
  it('are handed on one by one, whatever pieces they come in', async () => {
    const frames = [message('1'), framed(new Uint8Array(0)), message('2'.repeat(100)), message('3')];
    const bytes = Buffer.concat(frames);
    for (let size = 1; size <= bytes.length; size++) {
      const { feed, frames: got } = open('application/grpc');
      for (let at = 0; at < bytes.length; at += size) feed.push(bytes.subarray(at, at + size));
      feed.end();
      assert.deepEqual(await all(got), { told: hex(...frames), raised: undefined });
    }
  });

  it('are handed on in order where some are compressed, and with what is left to Connect', async () => {
    const strange = framed(message('3').subarray(5), 4);
    const { feed, frames } = open('application/grpc-web');
    feed.push(message('1'), framed(gzipSync(message('2').subarray(5)), 1), strange, message('4'));
    feed.end();
    assert.deepEqual(await all(frames), {
      told: hex(message('1'), message('2'), strange, message('4')),
      raised: undefined,
    });
  });

  it('are refused in gRPC with flags that it does not have, after those before', async () => {
    const { feed, frames } = open('application/grpc');
    feed.push(message('1'), framed(message('2').subarray(5), 4), message('3'));
    feed.end();
    const { told, raised } = await all(frames);
    assert.deepEqual(told, hex(message('1')));
    assert.ok(raised instanceof ConnectError);
    assert.deepEqual(
      [raised.code, /the flags of a message are 4/.test(raised.message)],
      [Code.Internal, true],
    );
  });

  it('are refused with the fields that cannot be understood, after those before', async () => {
    for (const [bad, field] of [
      ['{"request":{"event":{"typ":"a"}}}', 'request.event.typ'],
      ['{"request":{"event":{"type":"a","type":"b"}}}', 'request.event.type'],
      ['{"request":{"event":{"type":"\\ud800"}}}', 'request.event.type'],
      [new Uint8Array([0x7b, 0xff, 0x7d]), ''],
      ['[', ''],
      ['['.repeat(100), ''],
    ] as const) {
      const { feed, frames } = open('application/connect+json');
      const good = json('{"request":{"event":{"type":"a"}}}');
      feed.push(Buffer.concat([good, json(bad)]));
      const { told, raised } = await all(frames);
      assert.deepEqual(told, hex(good));
      assert.ok(raised instanceof DomainError, String(raised));
      assert.deepEqual([raised.code, raised.violations[0]?.field], ['INVALID', field]);
    }
  });

  it('may be a while apart, but each must arrive once it has begun', async () => {
    const { feed, frames } = open('application/grpc', { messageMs: 20 });
    const first = frames.next();
    await new Promise((resolve) => setTimeout(resolve, 60));
    feed.push(message('1'));
    assert.equal((await first).done, false);
    feed.push(message('2').subarray(0, 7));
    const { raised } = await all(frames);
    assert.ok(raised instanceof ConnectError);
    assert.deepEqual(
      [raised.code, raised.rawMessage.startsWith('a message of the stream did not arrive')],
      [Code.DeadlineExceeded, true],
    );
  });

  it('are let go of when nobody wants more', async () => {
    const { feed, frames } = open('application/grpc');
    const { promise: returned, resolve } = Promise.withResolvers<void>();
    const iterate = feed[Symbol.asyncIterator].bind(feed);
    Object.assign(feed, {
      [Symbol.asyncIterator]: () =>
        Object.assign(iterate(), { return: async () => ({ done: true, value: resolve() }) }),
    });
    feed.push(message('1'));
    await frames.next();
    await frames.return();
    await returned;
  });
});

describe('Framing', () => {
  it('stops at the head of a message that is too large, and says where those before it end', () => {
    const framing = createFraming({ bytesMax: 4 });
    const small = framed(new Uint8Array(4));
    assert.deepEqual(framing.follow(Buffer.concat([small, framed(new Uint8Array(5))])), [9]);
    assert.deepEqual([framing.begun, framing.over], [true, true]);
  });
});
