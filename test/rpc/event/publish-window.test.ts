import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type PublishStreamRequest,
  PublishStreamRequestSchema,
  type PublishStreamResponse,
} from '../../../gen/carillon/v1/event_pb.ts';
import { DomainError } from '../../../src/domain/error.ts';
import { streamPublishing } from '../../../src/rpc/event/publish-stream.ts';
import type { StreamLimits } from '../../../src/rpc/stream-limits.ts';
import { manualClock } from '../../support/clock.ts';
import { calledBy } from '../../support/context.ts';
import { createFeed, heldPublisher } from '../../support/stream.ts';

function event(id: string, bytes = 0): PublishStreamRequest {
  const data = { case: 'bytes', value: new Uint8Array(bytes) } as const;
  return create(PublishStreamRequestSchema, { request: { event: { id, type: 'a', data } } });
}

function events(from: number, to: number): PublishStreamRequest[] {
  return Array.from({ length: to - from + 1 }, (_, i) => event(`${from + i}`));
}

/** A stream without a network: what it reads, its caller, its server, and the answers. */
function openStream(limits: Partial<StreamLimits> = {}) {
  const publisher = heldPublisher();
  const shutdown = new AbortController();
  const publish = streamPublishing({ publisher, clock: manualClock(0), shutdown: shutdown.signal, limits });
  const open = () => {
    const feed = createFeed<PublishStreamRequest>();
    const caller = new AbortController();
    const context = { signal: caller.signal, values: calledBy() };
    const answers = publish(feed, context)[Symbol.asyncIterator]();
    return { feed, caller, answers };
  };
  return { ...open(), open, publisher, shutdown };
}

/** Gives everything that waits for nobody the time to happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

function told(answer: IteratorResult<PublishStreamResponse>): string | number | undefined {
  const result = (answer.value as PublishStreamResponse | undefined)?.result?.result;
  return result?.case === 'response' ? result.value.id : result?.value?.code;
}

async function take(answers: AsyncIterator<PublishStreamResponse>, count: number) {
  const all = [];
  for (let i = 0; i < count; i++) all.push(told(await answers.next()));
  return all;
}

describe('A stream of events', () => {
  it('publishes together what came while the last batch was being committed', async () => {
    const { feed, answers, publisher } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    await settle();
    feed.push(...events(2, 6));
    await settle();
    assert.deepEqual(publisher.batches, [['1']]);
    await publisher.letGo();
    assert.equal(told(await first), '1');
    await publisher.letGo();
    assert.deepEqual(await take(answers, 5), ['2', '3', '4', '5', '6']);
    assert.deepEqual(publisher.batches, [['1'], ['2', '3', '4', '5', '6']]);
  });

  it('commits while its caller takes no answers', async () => {
    const { feed, answers, publisher } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    await publisher.letGo();
    await first;
    feed.push(event('2'));
    await publisher.letGo();
    feed.push(event('3'));
    await publisher.letGo();
    assert.deepEqual(publisher.batches, [['1'], ['2'], ['3']]);
  });

  it('reads no more than its bound of events without their answers being taken', async () => {
    const { feed, answers, publisher } = openStream({ unansweredMax: 4 });
    const first = answers.next();
    publisher.letAllGo();
    feed.push(...events(1, 20));
    await first;
    await settle();
    // One answer was taken, and four are there.
    assert.equal(feed.read, 5);
    assert.deepEqual(await take(answers, 3), ['2', '3', '4']);
    await settle();
    assert.equal(feed.read, 8);
  });

  it('reads no more than its bound of bytes that are not durable yet', async () => {
    const { feed, answers, publisher } = openStream({ streamBytesMax: 100_000 });
    const first = answers.next();
    feed.push(event('1', 60_000), event('2', 60_000), event('3', 60_000), event('4', 60_000));
    await settle();
    assert.equal(feed.read, 2);
    await publisher.letGo();
    await first;
    await settle();
    assert.equal(feed.read, 3);
  });

  it('shares a bound of bytes with all others', async () => {
    const one = openStream({ bytesMax: 50_000 });
    const two = one.open();
    const first = one.answers.next();
    void two.answers.next();
    one.feed.push(event('1', 60_000));
    await settle();
    two.feed.push(event('2', 10), event('3', 10));
    await settle();
    assert.equal(two.feed.read, 1);
    await one.publisher.letGo();
    await first;
    await settle();
    assert.equal(two.feed.read, 2);
  });

  it('answers a refusal like everything else, and goes on', async () => {
    const { feed, answers, publisher } = openStream();
    publisher.letAllGo();
    feed.push(event('1'), event('not an id'), create(PublishStreamRequestSchema, {}), event('4'));
    feed.end();
    assert.deepEqual(await take(answers, 4), ['1', Code.InvalidArgument, Code.InvalidArgument, '4']);
    assert.equal((await answers.next()).done, true);
  });

  it('answers each event of a batch that could not be published, and goes on', async () => {
    const { feed, answers, publisher } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    await publisher.letGo(new DomainError('DATABASE_UNAVAILABLE', 'the database is away'));
    assert.equal(told(await first), Code.Unavailable);
    feed.push(event('2'), event('not an id'));
    await publisher.letGo(new DomainError('DATABASE_BUSY', 'the queue is full'));
    publisher.letAllGo();
    assert.deepEqual(await take(answers, 2), [Code.ResourceExhausted, Code.InvalidArgument]);
    feed.push(event('3'));
    assert.equal(told(await answers.next()), '3');
  });

  it('answers everything that came before its end', async () => {
    const { feed, answers, publisher } = openStream();
    const first = answers.next();
    feed.push(...events(1, 3));
    feed.end();
    await settle();
    publisher.letAllGo();
    await first;
    assert.deepEqual(await take(answers, 2), ['2', '3']);
    assert.equal((await answers.next()).done, true);
  });

  it('answers everything that came before what cannot be read, and then raises that', async () => {
    const { feed, answers, publisher } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    feed.fail(new ConnectError('not a message', Code.InvalidArgument));
    await publisher.letGo();
    assert.equal(told(await first), '1');
    await assert.rejects(answers.next(), /not a message/);
  });

  it('answers what it has read when the server stops, reads no more, and says so', async () => {
    const { feed, answers, publisher, shutdown } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    await settle();
    feed.push(event('2'));
    await settle();
    shutdown.abort();
    feed.push(event('3'));
    await publisher.letGo();
    assert.equal(told(await first), '1');
    await publisher.letGo();
    assert.equal(told(await answers.next()), '2');
    await assert.rejects(answers.next(), { code: 'UNAVAILABLE', message: /stopping/ });
    assert.deepEqual(publisher.batches, [['1'], ['2']]);
  });

  it('ends at once when its caller is gone, and publishes nothing more', async () => {
    const { feed, answers, caller, publisher } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    await settle();
    feed.push(event('2'));
    await settle();
    caller.abort(new ConnectError('too late', Code.DeadlineExceeded));
    await assert.rejects(first, { code: Code.DeadlineExceeded });
    await publisher.letGo();
    await settle();
    assert.deepEqual(publisher.batches, [['1']]);
  });

  it('ends with what nobody foresaw', async () => {
    const { feed, answers, publisher } = openStream();
    const first = answers.next();
    feed.push(event('1'));
    await publisher.letGo(new TypeError('a bug'));
    await assert.rejects(first, /a bug/);
  });

  it('is one of a bounded number, until it ends', async () => {
    const { answers, caller, open } = openStream({ streamsMax: 1 });
    const first = answers.next();
    await assert.rejects(open().answers.next(), { code: 'EXHAUSTED' });
    caller.abort();
    await assert.rejects(first);
    const another = open();
    const next = another.answers.next();
    another.feed.end();
    assert.equal((await next).done, true);
  });
});
