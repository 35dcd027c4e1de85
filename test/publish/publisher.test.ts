import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import { createPublisher, type Published } from '../../src/publish/publisher.ts';
import type { Publication, Store } from '../../src/store/store.ts';
import { aDraft, aPayload, openPublishing } from '../support/fan-out.ts';
import { T0 } from '../support/store.ts';

function published(outcome: Published | undefined) {
  assert.equal(outcome?.kind, 'PUBLISHED', JSON.stringify(outcome));
  return outcome as Extract<Published, { kind: 'PUBLISHED' }>;
}

async function receivers(store: Store): Promise<string[]> {
  return (await store.pollWaiting()).deliveries.map(({ webhookId }) => webhookId).sort();
}

describe('publishing an event', () => {
  it('makes a delivery for every webhook that asks for its type, in its namespace', async () => {
    await using world = await openPublishing();
    const exact = await world.listen({ eventTypes: ['order.paid'] });
    const beginning = await world.listen({ eventTypes: ['order.*', 'user.*'] });
    const all = await world.listen({ eventTypes: ['*'] });
    await world.listen({ eventTypes: ['order.sent'] });
    await world.listen({ eventTypes: [] });
    await world.listen({ eventTypes: ['*'] }, { namespace: 'other' });
    const [outcome] = await world.publisher.publish([aDraft()]);
    assert.equal(published(outcome).deliveries, 3);
    assert.equal(published(outcome).duplicate, false);
    assert.deepEqual(await receivers(world.store), [exact.id, beginning.id, all.id].sort());
  });

  it('is no error when nobody asks for it, and keeps the event', async () => {
    await using world = await openPublishing();
    const { id, deliveries } = published((await world.publisher.publish([aDraft()]))[0]);
    assert.equal(deliveries, 0);
    const [event] = await world.store.getEvents([{ namespace: 'default', id }]);
    assert.equal(event?.type, 'order.paid');
  });

  it('keeps what its publisher said, and fills in the rest', async () => {
    await using world = await openPublishing();
    const draft = aDraft({
      callerId: 'mine:1',
      source: '/shop',
      subject: 'order 7',
      time: T0 - 5,
      headers: { 'X-Trace': 'abc' },
    });
    const bare = aDraft({ data: { kind: 'none', body: new Uint8Array() } });
    const outcomes = (await world.publisher.publish([draft, bare])).map(published);
    assert.equal(outcomes[0]!.id, 'mine:1');
    const keys = outcomes.map(({ id }) => ({ namespace: 'default', id }));
    const [said, filled] = await world.store.getEvents(keys);
    const { id, body, ...rest } = said!;
    assert.match(id, /^evt_/);
    assert.deepEqual(body, draft.data.body);
    assert.deepEqual(rest, {
      callerId: 'mine:1',
      namespace: 'default',
      type: 'order.paid',
      source: '/shop',
      subject: 'order 7',
      time: T0 - 5,
      contentType: 'application/json',
      headers: { 'x-trace': 'abc' },
      createdAt: T0,
      purged: false,
      deliveryCount: 0,
    });
    assert.deepEqual(
      [filled!.time, filled!.contentType, filled!.body.length],
      [T0, 'application/octet-stream', 0],
    );
  });

  it('goes to webhooks that are paused or disabled too', async () => {
    await using world = await openPublishing();
    await world.listen({}, { state: 'PAUSED' });
    await world.listen({}, { state: 'DISABLED', stateReason: 'GONE' });
    assert.equal(published((await world.publisher.publish([aDraft()]))[0]).deliveries, 2);
  });

  it('is due when its publisher says', async () => {
    await using world = await openPublishing();
    await world.listen();
    await world.publisher.publish([
      aDraft(),
      aDraft({ deliver: { at: T0 + 7_000 } }),
      aDraft({ deliver: { afterMs: 9_000 } }),
      aDraft({ deliver: { at: T0 - 1 } }),
    ]);
    const { deliveries } = await world.store.pollWaiting();
    assert.deepEqual(
      deliveries.map(({ dueAt }) => dueAt - T0),
      [0, 7_000, 9_000, 0],
    );
  });

  it('carries the format of each webhook, and what was rendered for it', async () => {
    await using world = await openPublishing();
    const specs = {
      ENVELOPE: {},
      BODY: { payload: aPayload({ eventFormat: 'RAW' }) },
      CLOUDEVENTS_BINARY: { payload: aPayload({ eventFormat: 'CLOUDEVENTS_BINARY' }) },
      CLOUDEVENTS_STRUCTURED: { payload: aPayload({ eventFormat: 'CLOUDEVENTS_STRUCTURED' }) },
      RENDERED: {
        payload: aPayload({
          body: { kind: 'template', source: '{{ event.data.id }}/{{ webhook.name }}/{{ now }}' },
        }),
      },
    } as const;
    for (const [name, spec] of Object.entries(specs)) await world.listen({ name, ...spec });
    await world.listen({
      name: 'headers',
      payload: aPayload({ headerTemplates: { 'x-id': '{{ event.data.id }}' } }),
    });
    await world.publisher.publish([aDraft()]);
    const { deliveries } = await world.store.pollWaiting();
    const webhooks = await world.store.getWebhooks(deliveries.map(({ webhookId }) => webhookId));
    const rendered = await world.store.getRendered(deliveries.map(({ id }) => id));
    const seen = Object.fromEntries(
      deliveries.map(({ format }, i) => [webhooks[i]!.spec.name, { format, rendered: rendered[i] }]),
    );
    const body = new TextEncoder().encode('7/RENDERED/2026-01-01T00:00:00.000Z');
    assert.deepEqual(seen, {
      ENVELOPE: { format: 'ENVELOPE', rendered: undefined },
      BODY: { format: 'BODY', rendered: undefined },
      CLOUDEVENTS_BINARY: { format: 'CLOUDEVENTS_BINARY', rendered: undefined },
      CLOUDEVENTS_STRUCTURED: { format: 'CLOUDEVENTS_STRUCTURED', rendered: undefined },
      RENDERED: { format: 'RENDERED', rendered: { body, contentType: 'text/plain', headers: {} } },
      headers: { format: 'ENVELOPE', rendered: { headers: { 'x-id': '7' } } },
    });
  });
});

describe('a filter', () => {
  it('keeps an event from a webhook that it does not fulfil', async () => {
    await using world = await openPublishing();
    const large = await world.listen({ filter: 'event.data.amount > 100' });
    await world.listen({ filter: 'event.data.amount <= 100' });
    const outcomes = await world.publisher.publish([aDraft({ json: { amount: 150 } })]);
    assert.equal(published(outcomes[0]).deliveries, 1);
    assert.deepEqual(await receivers(world.store), [large.id]);
    assert.deepEqual(world.lines, []);
  });

  it('that fails does not match, is counted, and is logged', async () => {
    await using world = await openPublishing();
    const failing = await world.listen({ filter: 'event.data.missing > 100' });
    const other = await world.listen();
    const [outcome] = await world.publisher.publish([aDraft({ callerId: 'mine' })]);
    assert.equal(published(outcome).deliveries, 1);
    assert.deepEqual(await receivers(world.store), [other.id]);
    const [webhook] = await world.store.getWebhooks([failing.id]);
    assert.equal(webhook!.filterFailures, 1);
    assert.deepEqual(world.lines, [
      {
        level: 'warn',
        fields: {
          namespace: 'default',
          eventId: 'mine',
          eventType: 'order.paid',
          webhooks: 1,
          webhookId: failing.id,
          reason: 'field not found: missing',
        },
        message: 'event kept from webhooks whose filter failed on it',
      },
    ]);
  });
});

describe('a template that fails on an event', () => {
  it('makes a delivery all the same, which is to be rendered when it has its turn', async () => {
    await using world = await openPublishing();
    const headerTemplates = { 'x-name': '{{ event.data.name }}' };
    const failing = await world.listen({ payload: aPayload({ headerTemplates }) });
    const other = await world.listen();
    const [outcome] = await world.publisher.publish([aDraft({ json: { name: 'a\nb' } })]);
    assert.equal(published(outcome).deliveries, 2);
    const { deliveries } = await world.store.pollWaiting();
    assert.deepEqual(
      deliveries.map(({ webhookId, toRender = false }) => [webhookId, toRender]).sort(),
      [
        [failing.id, true],
        [other.id, false],
      ].sort(),
    );
  });
});

describe('the same id', () => {
  it('with the same content is the first event, while that is kept and while it is remembered', async () => {
    await using world = await openPublishing();
    const webhook = await world.listen();
    const draft = aDraft({ callerId: 'mine' });
    assert.equal(published((await world.publisher.publish([draft]))[0]).duplicate, false);
    await world.listen();
    world.clock.advance(59_000);
    assert.deepEqual((await world.publisher.publish([draft]))[0], {
      kind: 'PUBLISHED',
      id: 'mine',
      deliveries: 1,
      duplicate: true,
    });
    assert.equal((await world.store.pollWaiting()).deliveries.length, 1);
    const [waiting] = (await world.store.topUp([{ webhookId: webhook.id, limit: 1, ordered: false }]))[0]!
      .deliveries;
    await world.store.settle([{ delivery: waiting!, transition: { to: 'SUCCEEDED' }, now: T0 }], []);
    while (
      (await world.store.sweep({ now: world.clock.now(), finishedBefore: T0 + 1, payloadsBefore: 0 })) > 0
    );
    assert.equal(published((await world.publisher.publish([draft]))[0]).duplicate, true, 'its event is gone');
    world.clock.advance(1_000);
    assert.deepEqual((await world.publisher.publish([draft]))[0], {
      kind: 'PUBLISHED',
      id: 'mine',
      deliveries: 2,
      duplicate: false,
    });
  });

  it('with other content is a conflict, and changes nothing', async () => {
    await using world = await openPublishing();
    await world.listen();
    const outcomes = await world.publisher.publish([
      aDraft({ callerId: 'mine' }),
      aDraft({ callerId: 'mine', json: { id: 8 } }),
      aDraft({ callerId: 'mine', namespace: 'other', json: { id: 8 } }),
      aDraft({ callerId: 'mine' }),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'PUBLISHED' ? outcome.duplicate : outcome.kind)),
      [false, 'CONFLICT', false, true],
    );
    assert.equal((await world.store.pollWaiting()).deliveries.length, 1);
  });

  it('is one event for each id, for many callers at a time', async () => {
    await using world = await openPublishing();
    await world.listen();
    const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`);
    const callers = Array.from({ length: 16 }, () =>
      Promise.all(ids.map((callerId) => world.publisher.publish([aDraft({ callerId })]))),
    );
    const outcomes = (await Promise.all(callers)).flat(2).map(published);
    assert.equal(outcomes.filter(({ duplicate }) => !duplicate).length, ids.length);
    assert.ok(outcomes.every(({ deliveries }) => deliveries === 1));
    assert.equal((await world.store.pollWaiting()).deliveries.length, ids.length);
  });
});

describe('what was told is registered, changed or removed', () => {
  it('is seen by the next event', async () => {
    await using world = await openPublishing();
    const count = async () => published((await world.publisher.publish([aDraft()]))[0]).deliveries;
    assert.equal(await count(), 0);
    const webhook = await world.listen();
    assert.equal(await count(), 1);
    const changed = { ...webhook, spec: { ...webhook.spec, eventTypes: ['user.*'] }, version: 2 };
    await world.store.updateWebhooks([{ webhook: changed, ifVersion: 1 }]);
    assert.equal(await count(), 0);
    const filtered = { ...webhook, spec: { ...webhook.spec, filter: 'event.data.id == 7' }, version: 3 };
    await world.store.updateWebhooks([{ webhook: filtered, ifVersion: 2 }]);
    assert.equal(await count(), 1);
    const other = { ...webhook, spec: { ...webhook.spec, filter: 'event.data.id == 8' }, version: 4 };
    await world.store.updateWebhooks([{ webhook: other, ifVersion: 3 }]);
    assert.equal(await count(), 0);
    const plain = { ...webhook, version: 5 };
    await world.store.updateWebhooks([{ webhook: plain, ifVersion: 4 }]);
    assert.equal(await count(), 1);
    await world.store.removeWebhooks([{ id: webhook.id, now: T0 }]);
    assert.equal(await count(), 0);
  });

  it('while an audience is read is not remembered wrongly', async () => {
    let during: (() => Promise<void>) | undefined;
    await using world = await openPublishing({}, (store) => ({
      ...store,
      async matchWebhooks(batch) {
        const found = await store.matchWebhooks(batch);
        const change = during;
        during = undefined;
        await change?.();
        return found;
      },
    }));
    during = async () => void (await world.listen());
    await world.publisher.publish([aDraft()]);
    assert.equal(published((await world.publisher.publish([aDraft()]))[0]).deliveries, 1);
  });
});

describe('reading who gets an event', () => {
  it('happens once for a type while no webhook changes', async () => {
    await using world = await openPublishing();
    await world.listen();
    await world.listen({ filter: 'event.data.id == 7' });
    for (let i = 0; i < 5; i++) await world.publisher.publish([aDraft()]);
    assert.equal(world.calls.matchWebhooks, 1);
    assert.equal(world.calls.getWebhooks, 1);
    await world.publisher.publish([aDraft({ type: 'user.made' }), aDraft(), aDraft({ type: 'user.made' })]);
    assert.equal(world.calls.matchWebhooks, 2);
    await world.listen();
    await world.publisher.publish([aDraft()]);
    assert.equal(world.calls.matchWebhooks, 3);
  });

  it('happens every time where the store cannot say whether webhooks changed', async () => {
    await using world = await openPublishing({}, (store) => ({ ...store, webhookEpoch: () => undefined }));
    await world.listen();
    for (let i = 0; i < 3; i++) {
      assert.equal(published((await world.publisher.publish([aDraft()]))[0]).deliveries, 1);
    }
    assert.equal(world.calls.matchWebhooks, 3);
  });
});

describe('publishing many events', () => {
  it('answers each in its place', async () => {
    await using world = await openPublishing();
    await world.listen({ eventTypes: ['a'] });
    const types = ['a', 'b', 'a', 'c'];
    const outcomes = await world.publisher.publish(
      types.map((type) => aDraft({ type, callerId: `of-${type}` })),
    );
    assert.deepEqual(
      outcomes.map((outcome) => [published(outcome).id, published(outcome).deliveries]),
      [
        ['of-a', 1],
        ['of-b', 0],
        ['of-a', 1],
        ['of-c', 0],
      ],
    );
  });

  it('none, asks nothing of the store', async () => {
    await using world = await openPublishing();
    assert.deepEqual(await world.publisher.publish([]), []);
    assert.equal(world.calls.publish, undefined);
  });

  it('is one call to the store, or as few as its size allows', async () => {
    await using world = await openPublishing();
    await world.publisher.publish(Array.from({ length: 100 }, () => aDraft()));
    assert.equal(world.calls.publish, 1);
    const body = new Uint8Array(1024 * 1024);
    const large = aDraft({ data: { kind: 'bytes', body } });
    await world.publisher.publish(Array.from({ length: 40 }, () => large));
    assert.equal(world.calls.publish, 1 + 3);
  });

  it('answers those that fit, where the others do not', async () => {
    await using world = await openPublishing({ waitingMax: 2 });
    await world.listen();
    const outcomes = await world.publisher.publish([
      aDraft(),
      aDraft(),
      aDraft(),
      aDraft({ type: 'x', namespace: 'other' }),
    ]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['PUBLISHED', 'PUBLISHED', 'FULL', 'PUBLISHED'],
    );
  });

  it('raises what the store raises when nothing was published, and answers with it afterwards', async () => {
    let calls = 0;
    const gone = new DomainError('DATABASE_UNAVAILABLE', 'gone');
    await using world = await openPublishing({}, (store) => ({
      ...store,
      async publish(batch: readonly Publication[]) {
        calls++;
        if (calls === 2 || calls === 3) throw gone;
        return store.publish(batch);
      },
    }));
    const large = aDraft({ data: { kind: 'bytes', body: new Uint8Array(10 * 1024 * 1024) } });
    const outcomes = await world.publisher.publish([large, large]);
    assert.equal(outcomes[0]!.kind, 'PUBLISHED');
    assert.deepEqual(outcomes[1], { kind: 'FAILED', error: gone });
    await assert.rejects(world.publisher.publish([aDraft()]), gone);
  });
});

describe('publishing to very many webhooks', () => {
  it('gives each its delivery, and others their turn meanwhile', async () => {
    await using world = await openPublishing();
    const webhooks = await Promise.all(Array.from({ length: 1_500 }, () => world.listen()));
    let ticks = 0;
    const publisher = createPublisher({
      ...world,
      // Time passes by looking at it.
      clock: { ...world.clock, monotonic: () => ticks++ },
      log: { warn() {} },
      settings: { idempotencyWindowMs: 1 },
    });
    let turns = 0;
    const counting = setInterval(() => {}, 1);
    const count = () => {
      turns++;
      pending = setImmediate(count);
    };
    let pending = setImmediate(count);
    const [outcome] = await publisher.publish([aDraft()]);
    clearInterval(counting);
    clearImmediate(pending);
    assert.equal(published(outcome).deliveries, webhooks.length);
    assert.ok(turns > 1, `${turns} turns`);
    assert.deepEqual(await receivers(world.store), webhooks.map(({ id }) => id).sort());
  });

  it('refuses an event of which their templates make too much', async () => {
    await using world = await openPublishing();
    const source = `{% for i in (1..10) %}{{ event.data }}{% endfor %}`;
    const payload = aPayload({ body: { kind: 'template', source } });
    await Promise.all(Array.from({ length: 70 }, () => world.listen({ payload })));
    const text = new TextEncoder().encode('x'.repeat(100_000));
    const outcomes = await world.publisher.publish([
      aDraft({ data: { kind: 'text', body: text } }),
      aDraft({ type: 'other', data: { kind: 'text', body: text.subarray(0, 10) } }),
    ]);
    assert.equal(outcomes[0]!.kind, 'FAILED');
    assert.match((outcomes[0] as { error: DomainError }).error.message, /make more than 67108864 bytes/);
    assert.equal(published(outcomes[1]).deliveries, 70);
  });
});
