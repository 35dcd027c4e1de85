import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { type PublishRequest, PublishRequestSchema } from '../../gen/carillon/v1/event_pb.ts';
import { type Call, connectCall, Refusal } from '../support/call.ts';
import { listAll } from '../support/list.ts';
import { type Publisher, WAYS } from '../support/publishers.ts';
import { openReceiver, type ReceivedRequest, type Receiver } from '../support/receiver.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';

/** `KILLS=200` is the nightly form. */
const KILLS = Number(process.env.KILLS ?? 20);
/** How long it lives: at most, from when its callers begin. */
const LIFE_MS = 300;
/** Events that a caller publishes at a time. */
const ROUND = 20;
const CALLERS = [
  'Connect with JSON',
  'native gRPC',
  'PublishBatch over native gRPC',
  'PublishStream over native gRPC',
] as const;
/** How long the last server may take to deliver what is left. */
const DRAIN_MS = 60_000;

interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly state: string;
  readonly webhookId: string;
}

describe('a server that is killed while events are published', () => {
  it(`keeps what it acknowledged through ${KILLS} kills, and repeats nothing under another id`, async (t) => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    // So slow that something is in flight at most kills, and something fails.
    receiver.answer(({ request, response, after }) => {
      after(2, () => response.writeHead(request.path === '/failing' ? 503 : 200).end());
    });
    const start = () =>
      startCarillon({
        command: 'dev',
        cwd: folder.path,
        args: ['--log-level', 'warn', '--stop-timeout', '5s'],
      });

    const book = openBook();
    let current = await start();
    t.after(() => current[Symbol.asyncDispose]());
    const webhooks = await register(connectCall(current.url), receiver);
    for (let kill = 1; kill <= KILLS; kill++) {
      const calling = CALLERS.map((way, caller) => publishUntilDead(WAYS[way](current), caller, book));
      // Somewhere else in its life each time, and in its first moments too.
      await sleep((LIFE_MS * (1 + ((kill * 7) % 20))) / 20);
      await current.stop('SIGKILL');
      await Promise.all(calling);
      current = await start();
    }
    // What was not answered is published once more, as a caller would.
    await using last = WAYS['Connect with protobuf'](current);
    for (const ids of chunks([...book.unanswered])) await publish(last, ids, book);
    // And what was answered is known.
    const again = [...book.acknowledged].filter((_, i) => i % 10 === 0);
    for (const answer of await last.publish(again.map(requestOf))) {
      assert.ok(!(answer instanceof Refusal) && answer.duplicate);
    }

    const call = connectCall(current.url);
    await drained(call, webhooks.steady);
    const deliveries = await listAll<Delivery>(call, 'DeliveryService/ListDeliveries', 'deliveries');
    const requests = receiver.requests;
    const repeats = requests.length - new Set(requests.map(idOf)).size;
    t.diagnostic(
      `${book.acknowledged.size} events, ${deliveries.length} deliveries, ${requests.length} requests, ` +
        `${repeats} of them repeats`,
    );

    await t.test('every acknowledged event has its three deliveries, once each', () => {
      assert.ok(book.acknowledged.size > KILLS * ROUND, `only ${book.acknowledged.size} were published`);
      assert.equal(book.unanswered.size, 0);
      const byEvent = Map.groupBy(deliveries, ({ eventId }) => eventId);
      assert.deepEqual(new Set(byEvent.keys()), book.acknowledged);
      for (const [eventId, made] of byEvent) {
        const to = new Set(made.map(({ webhookId }) => webhookId));
        assert.equal(made.length, 3, eventId);
        assert.deepEqual(to, new Set(Object.values(webhooks)), eventId);
      }
    });
    await t.test('every one of them is delivered, or listed as pending or failed', () => {
      const received = new Set(requests.map(idOf));
      for (const { id, webhookId, state } of deliveries) {
        if (webhookId === webhooks.steady) {
          assert.equal(state, 'STATE_SUCCEEDED');
          assert.ok(received.has(id), `${id} is said to have succeeded, and did not arrive`);
        } else if (webhookId === webhooks.failing) {
          assert.ok(state === 'STATE_PENDING' || state === 'STATE_FAILED', `${id} is ${state}`);
          if (state === 'STATE_FAILED') assert.ok(received.has(id), `${id} failed, and was not tried`);
        } else {
          assert.equal(state, 'STATE_PENDING');
          assert.ok(!received.has(id), `${id} was sent to a paused webhook`);
        }
      }
    });
    await t.test('whatever arrived twice had the same id and bytes', () => {
      const known = new Map(deliveries.map((delivery) => [delivery.id, delivery]));
      const bodies = new Map<string, Buffer>();
      for (const request of requests) {
        const id = idOf(request);
        assert.equal(known.get(id)?.eventId, request.headers['x-event'], `${id} is not listed`);
        assert.deepEqual(request.body, bodies.get(id) ?? request.body);
        bodies.set(id, request.body);
      }
    });
  });
});

/** What callers were told. */
interface Book {
  /** Ids of events that somebody was told OK for. */
  readonly acknowledged: Set<string>;
  /** Ids whose publishing was not answered. */
  readonly unanswered: Set<string>;
  nextId(caller: number): string;
}

function openBook(): Book {
  let number = 0;
  return {
    acknowledged: new Set(),
    unanswered: new Set(),
    nextId: (caller) => `${caller}-${number++}`,
  };
}

/** One that answers, one that fails, and one that is paused. */
async function register(
  call: Call,
  receiver: Receiver,
): Promise<Record<'steady' | 'failing' | 'paused', string>> {
  async function one(name: string): Promise<string> {
    const webhook = {
      name,
      destination: `${receiver.url}/${name}`,
      eventTypes: ['order.*'],
      limits: { concurrency: 16 },
      retryPolicy: { maxAttempts: 2, delays: ['0.05s'] },
    };
    const { webhook: registered } = await call('WebhookService/Register', { webhook });
    return (registered as { id: string }).id;
  }
  const ids = { steady: await one('steady'), failing: await one('failing'), paused: await one('paused') };
  await call('WebhookService/Pause', { id: ids.paused });
  return ids;
}

async function publishUntilDead(publisher: Publisher, caller: number, book: Book): Promise<void> {
  await using _ = publisher;
  try {
    for (;;) {
      await publish(
        publisher,
        Array.from({ length: ROUND }, () => book.nextId(caller)),
        book,
      );
    }
  } catch (error) {
    if (error instanceof Refusal || error instanceof assert.AssertionError) throw error;
  }
}

function requestOf(id: string): PublishRequest {
  return create(PublishRequestSchema, {
    event: {
      id,
      type: 'order.paid',
      headers: { 'x-event': id },
      data: { case: 'text', value: JSON.stringify({ id }) },
      contentType: 'application/json',
    },
  });
}

async function publish(publisher: Publisher, ids: readonly string[], book: Book): Promise<void> {
  for (const id of ids) book.unanswered.add(id);
  await publisher.publish(ids.map(requestOf), (index, answer) => {
    const id = ids[index]!;
    if (answer instanceof Refusal) throw answer;
    assert.deepEqual([answer.id, answer.deliveryCount], [id, 3]);
    book.unanswered.delete(id);
    book.acknowledged.add(id);
  });
}

function* chunks(ids: readonly string[]): Iterable<readonly string[]> {
  for (let i = 0; i < ids.length; i += 500) yield ids.slice(i, i + 500);
}

/** Waits until nothing waits for a webhook. */
async function drained(call: Call, webhookId: string): Promise<void> {
  for (let waited = 0; waited < DRAIN_MS; waited += 100) {
    const query = { filter: `webhook_id = ${webhookId} AND state = PENDING`, pageSize: 1 };
    if ((await call('DeliveryService/ListDeliveries', query)).deliveries === undefined) return;
    await sleep(100);
  }
  throw new Error(`deliveries were still waiting after ${DRAIN_MS} ms`);
}

function idOf({ headers }: ReceivedRequest): string {
  return String(headers['webhook-id']);
}
