import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Code, type HandlerContext } from '@connectrpc/connect';
import { status } from '@grpc/grpc-js';
import { Chat, Collect, Echo, type Note, note, Repeat } from '../../support/echo.ts';
import { framed, grpcRefusal, pathOf, rawHttp2, startEcho } from '../../support/grpc.ts';

/** Waits until a count stays what it is. */
async function settled(count: () => number): Promise<number> {
  for (;;) {
    const before = count();
    for (let i = 0; i < 20; i++) await setTimeout(5);
    if (count() === before) return before;
  }
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

const BIG = new Uint8Array(64 * 1024);

describe('Back-pressure over native gRPC', () => {
  it('makes a handler wait for a caller who does not read', async () => {
    let yielded = 0;
    await using port = await startEcho({
      async *repeat() {
        for (; yielded < 300; yielded++) yield note({ data: BIG });
      },
    });
    const stream = port.client.serverStream(Repeat, note({}));
    await new Promise((resolve) => stream.once('readable', resolve));
    const ahead = await settled(() => yielded);
    assert.ok(ahead > 0 && ahead < 60, `${ahead} messages were made for nobody`);
    let read = 0;
    for await (const _ of stream) read++;
    assert.equal(read, 300);
  });

  it('makes a caller wait for a handler who does not read', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    await using port = await startEcho({
      async collect(messages) {
        await go;
        let count = 0;
        for await (const _ of messages) count++;
        return note({ count });
      },
    });
    const { stream, answer } = port.client.clientStream(Collect);
    let written = 0;
    for (let i = 0; i < 300; i++) stream.write(note({ data: BIG }), () => written++);
    stream.end();
    const ahead = await settled(() => written);
    assert.ok(ahead < 60, `${ahead} messages were taken for nobody`);
    resolve();
    assert.equal((await answer).count, 300);
  });

  it('makes no message wait that is read', async () => {
    await using port = await startEcho();
    const stream = port.client.bidi(Chat);
    const write = async () => {
      for (let i = 0; i < 200; i++) {
        if (!stream.write(note({ count: i, data: BIG }))) await new Promise((r) => stream.once('drain', r));
      }
      stream.end();
    };
    const counts: number[] = [];
    const read = async () => {
      for await (const { count } of stream) counts.push(count);
    };
    await Promise.all([write(), read()]);
    assert.deepEqual(counts, [...Array(200).keys()]);
  });
});

describe('A handler over native gRPC', () => {
  it('may ask for several messages at once, and gets them in order', async () => {
    await using port = await startEcho({
      async collect(messages) {
        const iterator = messages[Symbol.asyncIterator]();
        const got = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
        return note({ text: got.map(({ done, value }) => (done ? '.' : (value as Note).text)).join('') });
      },
    });
    const { stream, answer } = port.client.clientStream(Collect);
    for (const text of ['a', 'b', 'c']) stream.write(note({ text }));
    stream.end();
    assert.equal((await answer).text, 'abc.');
  });

  it('may answer before it has read everything', async () => {
    await using port = await startEcho({
      async collect(messages) {
        for await (const { text } of messages) return note({ text });
        return note({});
      },
    });
    const { stream, answer } = port.client.clientStream(Collect);
    stream.write(note({ text: 'enough' }));
    assert.equal((await answer).text, 'enough');
  });

  it('who has answered is not sent to for ever', async () => {
    await using port = await startEcho(
      { collect: async () => note({ text: 'done' }) },
      { limits: { answeredMs: 10, discardMs: 2 ** 31 - 1 } },
    );
    await using raw = rawHttp2(port.address);
    const { grpcStatus, rstCode } = await raw.send(
      { ':path': pathOf(Collect) },
      framed(new Uint8Array(9)),
      false,
    );
    assert.deepEqual([grpcStatus, rstCode], [0, 0]);
  });
});

describe('A caller who cancels over native gRPC', () => {
  it('ends an RPC of one message', async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: aborted, resolve: abort } = Promise.withResolvers<unknown>();
    await using port = await startEcho({
      echo(_, { signal }) {
        start();
        signal.addEventListener('abort', () => abort(signal.reason));
        return never(signal);
      },
    });
    const leaving = port.client.bidi(Echo);
    leaving.end(note({}));
    const call = grpcRefusal(leaving.toArray());
    await started;
    leaving.cancel();
    assert.equal((await call).code, status.CANCELLED);
    assert.match(String(await aborted), /the caller went away/);
    const line = await port.line(() => true);
    assert.deepEqual([line.fields.code, port.lines.length], ['canceled', 1]);
  });

  it('ends a stream in the middle, and its handler lets go', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    await using port = await startEcho({
      async *repeat(message, { signal }) {
        try {
          yield message;
          await never(signal);
        } finally {
          leave();
        }
      },
    });
    const stream = port.client.serverStream(Repeat, note({}));
    const read = async () => {
      for await (const _ of stream) stream.cancel();
    };
    assert.equal((await grpcRefusal(read())).code, status.CANCELLED);
    await left;
    assert.equal((await port.line(() => true)).fields.code, 'canceled');
  });

  it('ends a stream whose handler only sends', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    await using port = await startEcho({
      async *repeat() {
        try {
          for (;;) yield note({ data: BIG });
        } finally {
          leave();
        }
      },
    });
    const stream = port.client.serverStream(Repeat, note({}));
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('readable', resolve));
    stream.cancel();
    await left;
  });

  it('ends a stream whose handler only reads', async () => {
    const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    await using port = await startEcho({
      async collect(messages) {
        try {
          for await (const _ of messages) start();
        } catch (error) {
          fail(error);
          throw error;
        }
        return note({});
      },
    });
    const { stream, answer } = port.client.clientStream(Collect);
    const refused = grpcRefusal(answer);
    stream.write(note({}));
    await started;
    stream.cancel();
    assert.equal((await refused).code, status.CANCELLED);
    assert.match(String(await failed), /the caller went away/);
  });

  it('leaves nobody waiting when the handler looks later', async () => {
    const { promise: gone, resolve: go } = Promise.withResolvers<void>();
    const { promise: seen, resolve: see } = Promise.withResolvers<boolean>();
    await using port = await startEcho({
      async *chat(messages, { signal }) {
        yield note({});
        await gone;
        await assert.rejects(messages[Symbol.asyncIterator]().next(), /the caller went away/);
        see(signal.aborted);
      },
    });
    const stream = port.client.bidi(Chat);
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('data', resolve));
    stream.cancel();
    await port.line(({ fields }) => fields.code === 'canceled');
    go();
    assert.equal(await seen, true);
  });

  it('ends all calls of its connection by breaking it', async () => {
    let open = 0;
    const { promise: all, resolve } = Promise.withResolvers<void>();
    await using port = await startEcho({
      async echo(_, { signal }) {
        if (++open === 5) resolve();
        await never(signal);
        return note({});
      },
    });
    const raw = rawHttp2(port.address);
    for (let i = 0; i < 5; i++) void raw.send({ ':path': pathOf(Echo) }, framed(new Uint8Array(0)));
    await all;
    raw.session.destroy();
    await port.line(() => port.lines.length === 5);
    assert.ok(port.lines.every(({ fields }) => fields.code === 'canceled'));
  });
});

describe('A deadline over native gRPC', () => {
  const timeout = (value: string, method = Echo as { parent: { typeName: string }; name: string }) => ({
    ':path': `/${method.parent.typeName}/${method.name}`,
    'grpc-timeout': value,
  });
  const one = framed(new Uint8Array(0));

  it('ends a call that takes longer', async () => {
    const contexts: HandlerContext[] = [];
    await using port = await startEcho({
      echo(_, context) {
        contexts.push(context);
        return new Promise(() => {});
      },
    });
    await using raw = rawHttp2(port.address);
    const { grpcStatus, grpcMessage } = await raw.send(timeout('30m'), one);
    assert.deepEqual([grpcStatus, grpcMessage], [Code.DeadlineExceeded, 'the operation timed out']);
    const [context] = contexts;
    assert.ok((context?.timeoutMs() ?? 1) <= 0);
    assert.match(String(context?.signal.reason), /the operation timed out/);
    assert.equal((await port.line(() => true)).fields.code, 'deadline_exceeded');
  });

  it('ends a stream in the middle', async () => {
    await using port = await startEcho(
      {
        async *repeat(message, { signal }) {
          yield message;
          await never(signal);
        },
        async *chat(messages) {
          yield* messages;
        },
      },
      { limits: { discardMs: 10 } },
    );
    await using raw = rawHttp2(port.address);
    const repeated = await raw.send(timeout('50m', Repeat), one);
    assert.deepEqual([repeated.grpcStatus, repeated.body.length], [Code.DeadlineExceeded, 5]);
    const waiting = await raw.send(timeout('50m', Chat), one, false);
    assert.deepEqual([waiting.grpcStatus, waiting.body.length], [Code.DeadlineExceeded, 5]);
  });

  it('ends a stream that is not read', async () => {
    await using port = await startEcho(
      {
        async *repeat() {
          for (;;) yield note({ data: BIG });
        },
      },
      { limits: { discardMs: 20 } },
    );
    await using raw = rawHttp2(port.address);
    const stream = raw.session.request({
      ':method': 'POST',
      'content-type': 'application/grpc',
      ...timeout('30m', Repeat),
    });
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.end(one);
    await new Promise((resolve) => stream.once('response', resolve));
    await port.line(({ fields }) => fields.code === 'deadline_exceeded');
    await settled(() => stream.readableLength);
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, 0);
  });

  it('that has passed already ends the call', async () => {
    await using port = await startEcho({}, { limits: { discardMs: 10 } });
    await using raw = rawHttp2(port.address);
    const slow = await raw.send(timeout('0n', Chat), one, false);
    assert.equal(slow.grpcStatus, Code.DeadlineExceeded);
  });

  it('that is years ahead ends nothing', async () => {
    await using port = await startEcho({
      echo: (_, { timeoutMs }) => note({ text: String(timeoutMs()) }),
    });
    await using raw = rawHttp2(port.address);
    for (const value of ['99999999H', '2592000S', '99999999S']) {
      assert.equal((await raw.send(timeout(value), one)).grpcStatus, 0, value);
    }
  });

  it('is told to the handler', async () => {
    await using port = await startEcho({
      echo: (_, context) => note({ count: Math.ceil((context.timeoutMs() ?? 0) / 60_000) }),
    });
    const soon = { deadline: Date.now() + 3_600_000 };
    assert.equal((await port.client.unary(Echo, note({}), soon)).message.count, 60);
    assert.equal((await port.client.unary(Echo, note({}))).message.count, 0);
  });

  it('of ours ends a call whose message does not arrive', async () => {
    await using port = await startEcho({}, { limits: { requestMs: 30, checkMs: 10, discardMs: 10 } });
    await using raw = rawHttp2(port.address);
    const { grpcStatus } = await raw.send({ ':path': pathOf(Echo) }, one.subarray(0, 3), false);
    assert.equal(grpcStatus, Code.DeadlineExceeded);
    const stream = port.client.bidi(Chat);
    await setImmediate();
    stream.write(note({ text: 'streams may take their time' }));
    stream.end();
    assert.equal((await stream.toArray()).length, 1);
  });

  it('of ours ends a stream in the middle of a message that does not arrive', async () => {
    await using port = await startEcho({}, { limits: { requestMs: 50, checkMs: 10, discardMs: 10 } });
    await using raw = rawHttp2(port.address);
    const begun = Buffer.concat([one, one.subarray(0, 3)]);
    const { grpcStatus, grpcMessage, body } = await raw.send({ ':path': pathOf(Chat) }, begun, false);
    assert.deepEqual([grpcStatus, body.length], [Code.DeadlineExceeded, one.length]);
    assert.match(grpcMessage, /^a message of the stream did not arrive/);
  });

  it('of ours does not run while a handler does not read', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    await using port = await startEcho(
      {
        async *chat(messages) {
          for await (const message of messages) {
            yield message;
            await go;
          }
        },
      },
      { limits: { requestMs: 500, checkMs: 10 } },
    );
    await using raw = rawHttp2(port.address);
    const stream = raw.session.request({ ':method': 'POST', ':path': pathOf(Chat), 'content-type': GRPC });
    const closed = new Promise((done) => stream.once('close', done));
    const trailers = new Promise<Record<string, unknown>>((done) => stream.once('trailers', done));
    stream.resume();
    stream.write(Buffer.concat([one, one.subarray(0, 3)]));
    await setTimeout(700);
    resolve();
    await setTimeout(50);
    stream.end(one.subarray(3));
    assert.equal((await trailers)['grpc-status'], '0');
    await closed;
  });
});

const GRPC = 'application/grpc';
