import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import {
  type PublishRequest,
  PublishRequestSchema,
  type PublishResponse,
} from '../../gen/carillon/v1/event_pb.ts';
import { connectCall, type Json, Refusal } from '../support/call.ts';
import { listAll } from '../support/list.ts';
import { until } from '../support/pipeline.ts';
import { WAYS } from '../support/publishers.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { type CarillonProcess, startCarillon, temporaryFolder } from '../support/server.ts';

const IDS = 1_000;
/** How many call each way; calls of one event take the most time. */
const CALLERS: readonly (keyof typeof WAYS)[] = [
  ...Array(4).fill('native gRPC'),
  ...Array(4).fill('Connect with protobuf'),
  ...Array(8).fill('PublishBatch over Connect with JSON'),
  ...Array(16).fill('PublishBatch over native gRPC'),
  ...Array(8).fill('PublishStream over gRPC on the Connect port'),
  ...Array(24).fill('PublishStream over native gRPC'),
];
/** How many answers come before the kill: some of each caller's, and not all of anybody's. */
const ANSWERS_BEFORE_KILL = 3_000;
const KILLED_IDS = 200;

describe('many callers who publish the same events at once', () => {
  it(`make one event of each id, delivered once, and agree: ${CALLERS.length} callers with ${IDS} ids`, async (t) => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev', args: ['--log-level', 'warn'] });
    await register(carillon, receiver);
    const ids = Array.from({ length: IDS }, (_, i) => `order-${i}`);
    const answers = await Promise.all(CALLERS.map((_, caller) => publishAll(carillon, caller, ids)));

    await t.test('the answers agree, and one caller of each id was the first', () => {
      const firsts = new Map<string, number>();
      for (const told of answers) {
        assert.equal(told.size, IDS);
        for (const [id, { duplicate }] of told) if (!duplicate) firsts.set(id, (firsts.get(id) ?? 0) + 1);
      }
      assert.deepEqual([...firsts.keys()].toSorted(), ids.toSorted());
      assert.ok([...firsts.values()].every((count) => count === 1));
    });
    await t.test('each is there once, and arrived once', async () => {
      await assertOnce(carillon, receiver, ids);
      assert.equal(receiver.requests.length, IDS);
    });
    await t.test('the same id with other content is refused', async () => {
      await using publisher = WAYS['PublishBatch over native gRPC'](carillon);
      for (const answer of await publisher.publish(ids.map((id) => requestOf(id, 'other')))) {
        assert.ok(answer instanceof Refusal);
        assert.equal(answer.code, Code.AlreadyExists);
      }
    });
  });

  it('make one event of each id though the server is killed meanwhile, and started anew', async (t) => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    const start = () => startCarillon({ command: 'dev', cwd: folder.path, args: ['--log-level', 'warn'] });
    const first = await start();
    t.after(first[Symbol.asyncDispose]);
    await register(first, receiver);
    const ids = Array.from({ length: KILLED_IDS }, (_, i) => `order-${i}`);
    const callers = [...CALLERS.keys()];

    let answered = 0;
    let firsts = 0;
    const tally = ({ duplicate }: PublishResponse) => {
      if (!duplicate) firsts++;
      if (++answered === ANSWERS_BEFORE_KILL) first.kill('SIGKILL');
    };
    const ended = await Promise.allSettled(callers.map((caller) => publishAll(first, caller, ids, tally)));
    await first.exited;
    assert.ok(
      ended.some(({ status }) => status === 'rejected'),
      'everybody was answered before the kill',
    );

    const second = await start();
    t.after(second[Symbol.asyncDispose]);
    await Promise.all(callers.map((caller) => publishAll(second, caller, ids, tally)));
    // Fewer when the answer to the first was lost.
    assert.ok(firsts <= KILLED_IDS, `${firsts} callers were told that they were the first`);
    await assertOnce(second, receiver, ids);
    assert.deepEqual(await second.stop('SIGTERM'), { code: 0, signal: null });

    const third = await start();
    t.after(third[Symbol.asyncDispose]);
    for (const told of await Promise.all(callers.map((caller) => publishAll(third, caller, ids)))) {
      assert.ok([...told.values()].every(({ duplicate }) => duplicate));
    }
    await assertOnce(third, receiver, ids);
  });
});

async function register({ url }: CarillonProcess, receiver: Receiver): Promise<void> {
  const webhook = { name: 'all', destination: receiver.url, eventTypes: ['*'], limits: { concurrency: 32 } };
  await connectCall(url)('WebhookService/Register', { webhook });
}

function requestOf(id: string, content: string): PublishRequest {
  return create(PublishRequestSchema, {
    event: { id, type: 'order.paid', headers: { 'x-event': id }, data: { case: 'text', value: content } },
  });
}

/** Publishes all ids, every other caller in the opposite order; resolves with what was told of each. */
async function publishAll(
  server: CarillonProcess,
  caller: number,
  ids: readonly string[],
  tally: (answer: PublishResponse) => void = () => {},
): Promise<ReadonlyMap<string, PublishResponse>> {
  const ordered = caller % 2 === 0 ? ids : ids.toReversed();
  await using publisher = WAYS[CALLERS[caller]!](server);
  const told = new Map<string, PublishResponse>();
  await publisher.publish(
    ordered.map((id) => requestOf(id, `about ${id}`)),
    (index, answer) => {
      if (answer instanceof Refusal) throw answer;
      assert.deepEqual([answer.id, answer.deliveryCount], [ordered[index], 1]);
      tally(answer);
      told.set(answer.id, answer);
    },
  );
  return told;
}

/** One event of each id, one delivery of each event, and whatever arrived of one had one webhook-id. */
async function assertOnce(
  { url }: CarillonProcess,
  receiver: Receiver,
  ids: readonly string[],
): Promise<void> {
  const call = connectCall(url);
  await until(async () => {
    const waiting = await call('DeliveryService/ListDeliveries', { filter: 'state = PENDING', pageSize: 1 });
    return waiting.deliveries === undefined ? true : undefined;
  });
  const sorted = ids.toSorted();
  const events = await listAll<{ id: string }>(call, 'EventService/ListEvents', 'events');
  assert.deepEqual(events.map(({ id }) => id).toSorted(), sorted);
  const deliveries = await listAll<Json>(call, 'DeliveryService/ListDeliveries', 'deliveries');
  assert.deepEqual(deliveries.map(({ eventId }) => eventId).toSorted(), sorted);
  const arrived = Map.groupBy(receiver.requests, ({ headers }) => String(headers['x-event']));
  assert.deepEqual([...arrived.keys()].toSorted(), sorted);
  const idOf = new Map(deliveries.map(({ eventId, id }) => [eventId, id]));
  for (const [event, requests] of arrived) {
    for (const { headers } of requests) assert.equal(headers['webhook-id'], idOf.get(event));
  }
}
