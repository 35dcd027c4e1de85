import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventRecord } from '../../src/domain/event/event.ts';
import { newId } from '../../src/domain/id.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { eventsInRange, REPLAY_EVENTS_MAX } from '../../src/publish/replay-events.ts';
import { createReplayer, type Replayer, type ReplayOrder } from '../../src/publish/replayer.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import type { EventQuery, WaitingPoll } from '../../src/store/store.ts';
import { aDraft, aPayload, openPublishing, type Publishing } from '../support/fan-out.ts';
import { recordingLog } from '../support/log.ts';
import { aRun, aWebhook, T0 } from '../support/store.ts';

interface World extends Publishing {
  readonly replayer: Replayer;
}

async function opened(options: StoreOptions = {}): Promise<World> {
  const world = await openPublishing(options);
  const { log, lines } = recordingLog();
  return {
    ...world,
    replayer: createReplayer({ ...world, namespaces: createNamespaceDirectory(world), log }),
    lines,
  };
}

const ALL: ReplayOrder = { namespace: 'default', events: { since: 0 }, validateOnly: false };

/** What became waiting since this was asked last. */
async function made(world: World): Promise<WaitingPoll['deliveries']> {
  return (await world.store.pollWaiting()).deliveries;
}

const receivers = async (world: World) => (await made(world)).map(({ webhookId }) => webhookId).sort();

describe('events that are sent again', () => {
  it('go to the webhooks that they were delivered to before, as new deliveries that point to those', async () => {
    await using world = await opened();
    const first = await world.listen();
    const second = await world.listen({ eventTypes: ['order.*'] });
    await world.publisher.publish([aDraft(), aDraft({ type: 'user.made' })]);
    const before = await made(world);
    await world.listen();
    world.clock.advance(60_000);
    assert.deepEqual(await world.replayer.replay(ALL), { events: 2, deliveries: 3 });
    const after = await made(world);
    assert.deepEqual(after.map(({ webhookId }) => webhookId).sort(), [first.id, first.id, second.id].sort());
    assert.ok(after.every(({ dueAt }) => dueAt === T0 + 60_000));
    for (const { id, webhookId, eventId } of after) {
      const original = before.find((other) => other.webhookId === webhookId && other.eventId === eventId)!;
      assert.notEqual(id, original.id);
      assert.equal((await world.store.getDelivery({ namespace: 'default', id: id }))!.replayOf, original.id);
    }
  });

  it('point to the original delivery, however often they were sent again before', async () => {
    await using world = await opened();
    const webhook = await world.listen();
    await world.publisher.publish([aDraft()]);
    const [original] = await made(world);
    for (const order of [ALL, ALL, { ...ALL, webhookId: webhook.id }]) {
      world.clock.advance(1);
      assert.deepEqual(await world.replayer.replay(order), { events: 1, deliveries: 1 });
      const [newest] = await made(world);
      assert.equal(
        (await world.store.getDelivery({ namespace: 'default', id: newest!.id }))!.replayOf,
        original!.id,
      );
    }
  });

  it('go to one webhook only, whatever it asks for, where that is named', async () => {
    await using world = await opened();
    const before = await world.listen();
    await world.publisher.publish([aDraft(), aDraft({ type: 'user.made' })]);
    const fresh = await world.listen({ eventTypes: ['other'] });
    const originals = await made(world);
    assert.deepEqual(await world.replayer.replay({ ...ALL, webhookId: fresh.id }), {
      events: 2,
      deliveries: 2,
    });
    const history = await made(world);
    assert.deepEqual(
      history.map(({ webhookId, eventId }) => [webhookId, eventId]),
      originals.map(({ eventId }) => [fresh.id, eventId]),
    );
    assert.equal(
      (await world.store.getDelivery({ namespace: 'default', id: history[0]!.id }))!.replayOf,
      undefined,
    );
    await world.replayer.replay({ ...ALL, webhookId: before.id });
    const [repeated] = await made(world);
    assert.equal(
      (await world.store.getDelivery({ namespace: 'default', id: repeated!.id }))!.replayOf,
      originals[0]!.id,
    );
  });

  it('go to one webhook only, where they were delivered to it before', async () => {
    await using world = await opened();
    const [one] = [await world.listen({ eventTypes: ['order.*'] }), await world.listen()];
    await world.publisher.publish([aDraft({ type: 'order.paid' }), aDraft({ type: 'user.made' })]);
    const originals = await made(world);
    const original = originals.find(({ webhookId }) => webhookId === one.id)!;
    const order = { ...ALL, deliveredTo: one.id };
    assert.deepEqual(await world.replayer.replay(order), { events: 1, deliveries: 1 });
    const [again] = await made(world);
    assert.deepEqual([again!.webhookId, again!.eventId], [one.id, original.eventId]);
    assert.equal(
      (await world.store.getDelivery({ namespace: 'default', id: again!.id }))!.replayOf,
      original.id,
    );
    const none = { ...order, filter: 'event.type == "user.made"' };
    assert.deepEqual(await world.replayer.replay(none), { events: 0, deliveries: 0 });
  });

  it('go to another webhook, where they were delivered to one that is gone', async () => {
    await using world = await opened();
    const [gone] = [await world.listen({ eventTypes: ['order.*'] }), await world.listen()];
    await world.publisher.publish([aDraft({ type: 'order.paid' }), aDraft({ type: 'user.made' })]);
    const heir = await world.listen({ eventTypes: ['other'] });
    await world.store.removeWebhooks([{ id: gone.id, now: T0 }]);
    const originals = await made(world);
    const order = { ...ALL, deliveredTo: gone.id };
    await assert.rejects(world.replayer.replay(order), { code: 'NOT_FOUND' });
    const given = await world.replayer.replay({ ...order, webhookId: heir.id });
    assert.deepEqual(given, { events: 1, deliveries: 1 });
    const [history] = await made(world);
    assert.equal(history!.webhookId, heir.id);
    assert.equal(history!.eventId, originals.find(({ webhookId }) => webhookId === gone.id)!.eventId);
  });

  it('are only counted where that is asked for', async () => {
    await using world = await opened();
    await world.listen();
    await world.listen();
    await world.publisher.publish([aDraft(), aDraft()]);
    await made(world);
    assert.deepEqual(await world.replayer.replay({ ...ALL, validateOnly: true }), {
      events: 2,
      deliveries: 4,
    });
    assert.deepEqual(await made(world), []);
  });

  it('go out as their webhook is now', async () => {
    await using world = await opened();
    const webhook = await world.listen();
    await world.publisher.publish([aDraft()]);
    await made(world);
    const body = { kind: 'template', source: '{{ event.data.id }} at {{ now }}' } as const;
    const spec = { ...webhook.spec, payload: aPayload({ body, contentType: 'text/plain' }) };
    await world.store.updateWebhooks([{ webhook: { ...webhook, spec, version: 2 }, ifVersion: 1 }]);
    world.clock.advance(1_000);
    await world.replayer.replay(ALL);
    const [delivery] = await made(world);
    const [rendered] = await world.store.getRendered([delivery!.id]);
    assert.equal(delivery!.format, 'RENDERED');
    assert.equal(new TextDecoder().decode(rendered!.body), '7 at 2026-01-01T00:00:01.000Z');
  });

  it('leave out webhooks that are gone', async () => {
    await using world = await opened();
    const [gone, kept] = [await world.listen(), await world.listen()];
    await world.publisher.publish([aDraft()]);
    await world.store.removeWebhooks([{ id: gone.id, now: T0 }]);
    await made(world);
    assert.deepEqual(await world.replayer.replay(ALL), { events: 1, deliveries: 1 });
    assert.deepEqual(await receivers(world), [kept.id]);
  });

  it('are to be rendered when they have their turn where templates fail', async () => {
    await using world = await opened();
    const headerTemplates = { 'x-name': '{{ event.data.name }}' };
    const failing = await world.listen();
    await world.publisher.publish([aDraft({ json: { name: 'a\nb' } })]);
    const spec = { ...failing.spec, payload: aPayload({ headerTemplates }) };
    await world.store.updateWebhooks([{ webhook: { ...failing, spec, version: 2 }, ifVersion: 1 }]);
    await made(world);
    assert.deepEqual(await world.replayer.replay(ALL), { events: 1, deliveries: 1 });
    const [delivery] = await made(world);
    assert.equal(delivery?.toRender, true);
  });

  it('cannot go to a webhook that there is not, or that is of another namespace', async () => {
    await using world = await opened();
    const other = await world.listen({}, { namespace: 'other' });
    for (const webhookId of ['wh_nope', other.id]) {
      await assert.rejects(world.replayer.replay({ ...ALL, webhookId }), { code: 'NOT_FOUND' });
    }
  });
});

describe('which events are sent again', () => {
  async function history(): Promise<World> {
    const world = await opened();
    await world.listen();
    for (const type of ['order.paid', 'order.sent', 'user.made', 'order.paid']) {
      await world.publisher.publish([
        aDraft({ type, callerId: `at-${world.clock.now() - T0}`, json: { at: world.clock.now() - T0 } }),
      ]);
      world.clock.advance(10);
    }
    await world.publisher.publish([aDraft({ namespace: 'other', callerId: 'at-0' })]);
    await made(world);
    return world;
  }

  async function replayed(world: World, order: Partial<ReplayOrder>): Promise<string[]> {
    const { events } = await world.replayer.replay({ ...ALL, ...order });
    const deliveries = await made(world);
    const bodies = await world.store.getEventBodies(deliveries.map(({ eventId }) => eventId));
    assert.equal(events, bodies.length);
    return bodies.map((body) => body!.callerId!);
  }

  it('is a range of time, its beginning included and its end not, oldest first', async () => {
    await using world = await history();
    assert.deepEqual(await replayed(world, {}), ['at-0', 'at-10', 'at-20', 'at-30']);
    assert.deepEqual(await replayed(world, { events: { since: T0 + 10, until: T0 + 30 } }), [
      'at-10',
      'at-20',
    ]);
    assert.deepEqual(await replayed(world, { events: { since: T0 + 31 } }), []);
  });

  it('is of a type, or of types that begin so', async () => {
    await using world = await history();
    const types = (type: ReplayOrder['events'] & { type?: unknown }) => replayed(world, { events: type });
    assert.deepEqual(await types({ since: T0, type: { exact: 'order.paid' } }), ['at-0', 'at-30']);
    assert.deepEqual(await types({ since: T0, type: { prefix: 'order.' } }), ['at-0', 'at-10', 'at-30']);
  });

  it('is those that a filter is true for; one that fails is logged', async () => {
    await using world = await history();
    assert.deepEqual(await replayed(world, { filter: 'event.data.at > 15' }), ['at-20', 'at-30']);
    assert.deepEqual(await replayed(world, { filter: 'event.data.at > 15 && event.data.nope' }), []);
    assert.deepEqual(world.lines[0]!.fields, {
      namespace: 'default',
      events: 2,
      eventId: 'at-20',
      reason: 'field not found: nope',
    });
  });

  it('is by name, each once, without those that there are not', async () => {
    await using world = await history();
    const ids = ['at-20', 'at-0', 'nope', 'at-20'];
    assert.deepEqual(await replayed(world, { events: { ids } }), ['at-0', 'at-20']);
    assert.deepEqual(await replayed(world, { events: { ids: ['at-20'] }, filter: 'event.type == "x"' }), []);
  });

  it('is not those whose data was erased', async () => {
    await using world = await history();
    await world.store.purgeEvents([{ namespace: 'default', id: 'at-10' }]);
    await made(world);
    assert.deepEqual(await replayed(world, {}), ['at-0', 'at-20', 'at-30']);
    assert.deepEqual(await replayed(world, { events: { ids: ['at-10'] } }), []);
  });
});

describe('runs', () => {
  it('are in no range, and can be sent again by their ids', async () => {
    await using world = await opened();
    const webhook = aWebhook({
      spec: { payload: aPayload({ headerTemplates: { 'x-at': '{{ run.scheduled_at }}' } }) },
    });
    await world.store.createWebhooks([webhook]);
    const run = aRun(webhook);
    await world.store.fireRuns([run]);
    await made(world);
    assert.deepEqual(await world.replayer.replay(ALL), { events: 0, deliveries: 0 });
    const { id } = run.runs[0]!.event;
    assert.deepEqual(await world.replayer.replay({ ...ALL, events: { ids: [id] } }), {
      events: 1,
      deliveries: 1,
    });
    const [delivery] = await made(world);
    assert.equal(delivery!.format, 'BODY');
    const [rendered] = await world.store.getRendered([delivery!.id]);
    assert.deepEqual(rendered, { headers: { 'x-at': '2026-01-01T00:01:00.000Z' } });
  });

  it('are refused as the type of a range', async () => {
    await using world = await opened();
    const events = { since: 0, type: { exact: 'carillon.run' } };
    await assert.rejects(world.replayer.replay({ ...ALL, events }), {
      code: 'INVALID',
      message: /range\.type/,
    });
  });
});

describe('a range that is too much for one call', () => {
  it('is done in parts that begin with a new millisecond, every event once', async () => {
    await using world = await opened();
    for (let i = 0; i < 12; i++) {
      await world.publisher.publish(Array.from({ length: 999 }, () => aDraft()));
      world.clock.advance(1);
    }
    const { id: webhookId } = await world.listen();
    const first = await world.replayer.replay({ ...ALL, webhookId });
    assert.deepEqual(first, { events: 9_990, deliveries: 9_990, nextSince: T0 + 10 });
    const seen = new Set((await made(world)).map(({ eventId }) => eventId));
    const second = await world.replayer.replay({ ...ALL, webhookId, events: { since: T0 + 10 } });
    assert.deepEqual(second, { events: 1_998, deliveries: 1_998 });
    for (const { eventId } of await made(world)) seen.add(eventId);
    assert.equal(seen.size, 12 * 999);
  });

  it('goes on from the first event for which there is no room', async () => {
    await using world = await opened({ namespaceWaitingMax: 3 });
    for (let i = 0; i < 5; i++) {
      await world.publisher.publish([aDraft()]);
      world.clock.advance(1);
    }
    const { id: webhookId } = await world.listen();
    const replayed = await world.replayer.replay({ ...ALL, webhookId });
    assert.deepEqual(replayed, { events: 3, deliveries: 3, nextSince: T0 + 3 });
    const again = world.replayer.replay({ ...ALL, webhookId, events: { since: T0 + 3 } });
    await assert.rejects(again, { code: 'EXHAUSTED', message: /none could be made/ });
  });

  it('cannot be gone on with where there is no room for all of one millisecond', async () => {
    await using world = await opened({ namespaceWaitingMax: 3 });
    await world.publisher.publish(Array.from({ length: 5 }, () => aDraft()));
    const { id: webhookId } = await world.listen();
    await assert.rejects(world.replayer.replay({ ...ALL, webhookId }), {
      code: 'EXHAUSTED',
      message: /only 3 could be made/,
    });
  });

  it('cannot be gone on with where events were named', async () => {
    await using world = await opened({ namespaceWaitingMax: 1 });
    const ids = ['a', 'b'];
    await world.publisher.publish(ids.map((callerId) => aDraft({ callerId })));
    const { id: webhookId } = await world.listen();
    await assert.rejects(world.replayer.replay({ ...ALL, events: { ids }, webhookId }), {
      code: 'EXHAUSTED',
      message: /only 1 could be made/,
    });
  });

  const random = systemRandom();

  /** A store that has nothing but these events. */
  function storeOf(events: readonly EventRecord[]) {
    const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const places = new Map(sorted.map(({ id }, i) => [id, i]));
    return {
      async listEvents({ after, limit, since = 0 }: EventQuery) {
        const from =
          after === undefined
            ? sorted.findIndex(({ createdAt }) => createdAt >= since)
            : places.get(after)! + 1;
        return sorted.slice(from, from + limit);
      },
    };
  }

  function record(at: number, overrides: Partial<EventRecord> = {}): EventRecord {
    return {
      id: newId('event', at, random),
      namespace: 'default',
      type: 'order.paid',
      time: at,
      contentType: 'application/json',
      body: new Uint8Array(),
      headers: {},
      createdAt: at,
      purged: false,
      deliveryCount: 0,
      ...overrides,
    };
  }

  const range = { since: T0, until: T0 + 1_000_000 };

  it('is cut where there are too many runs in between', async () => {
    const run = (at: number) => record(at, { type: 'carillon.run', nominalAt: at });
    const runs = Array.from({ length: 100_100 }, (_, i) => run(T0 + Math.floor(i / 100)));
    const published = [record(T0), record(T0 + 1_000), record(T0 + 1_001)];
    const first = await eventsInRange(storeOf([...runs, ...published]), 'default', range);
    assert.equal(first.nextSince, T0 + 999);
    assert.deepEqual(
      first.events.map(({ createdAt }) => createdAt),
      [T0],
    );
    const rest = { ...range, since: first.nextSince! };
    const second = await eventsInRange(storeOf([...runs, ...published]), 'default', rest);
    assert.equal(second.nextSince, undefined);
    assert.deepEqual(
      second.events.map(({ createdAt }) => createdAt),
      [T0 + 1_000, T0 + 1_001],
    );
  });

  it('takes a millisecond whole, however many events it has', async () => {
    const crowded = Array.from({ length: REPLAY_EVENTS_MAX + 500 }, () => record(T0 + 5));
    const { events, nextSince } = await eventsInRange(
      storeOf([...crowded, record(T0 + 6)]),
      'default',
      range,
    );
    assert.equal(events.length, crowded.length);
    assert.equal(nextSince, T0 + 6);
  });
});
