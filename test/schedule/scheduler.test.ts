import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runEventId } from '../../src/domain/id.ts';
import { AHEAD_MS } from '../../src/schedule/scheduler.ts';
import { firstCursor, replaceSchedule, resumeCursor } from '../support/cursors.ts';
import { aPayload, listener } from '../support/fan-out.ts';
import { every, openWorld } from '../support/scheduling.ts';
import { anAttempt, T0 } from '../support/store.ts';

describe('the scheduler', () => {
  it('fires each run once, at its nominal time, with the greeting', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(5_000));
    await world.pass(12_000);
    assert.deepEqual(await world.fired(webhook), [5_000, 10_000]);
    const [body] = await world.store.getEventBodies([runEventId(webhook.id, T0 + 5_000)]);
    const greeting = `Hello ${webhook.spec.name}, current time is ${new Date(T0 + 5_000).toISOString()}`;
    assert.equal(Buffer.from(body!.body).toString(), greeting);
    assert.equal(body!.nominalAt, T0 + 5_000);
  });

  it('fires a webhook that is registered while it runs, however soon it is due', async () => {
    await using world = await openWorld();
    await world.pass(1_000);
    const webhook = await world.register(every(1_000));
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), [2_000, 3_000, 4_000]);
  });

  it('reads ahead in time, so that runs beyond what it keeps in memory fire too', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(AHEAD_MS * 2));
    await world.pass(AHEAD_MS * 4, 1_000);
    assert.deepEqual(await world.fired(webhook), [AHEAD_MS * 2, AHEAD_MS * 4]);
  });

  it('fires many webhooks due at the same time', async () => {
    await using world = await openWorld();
    const webhooks = [];
    for (let i = 0; i < 1_200; i++) webhooks.push(await world.register(every(10_000)));
    await world.pass(20_000, 5_000);
    for (const webhook of webhooks) assert.deepEqual(await world.fired(webhook), [10_000, 20_000]);
  });

  it('goes on where it was after a restart, by the misfire policy, and doubles nothing', async () => {
    await using world = await openWorld();
    const latest = await world.register({ ...every(1_000), misfire: 'FIRE_LATEST' });
    const all = await world.register({ ...every(1_000), misfire: 'FIRE_ALL', overlap: 'ALLOW' });
    const skip = await world.register({ ...every(10_000), misfire: 'SKIP' });
    await world.pass(2_000);
    world.clock.advance(38_000);
    world.restart();
    await world.pass(500);
    assert.deepEqual(await world.fired(latest), [1_000, 2_000, 40_000]);
    assert.deepEqual(
      await world.fired(all),
      Array.from({ length: 40 }, (_, i) => (i + 1) * 1_000),
    );
    assert.deepEqual(await world.fired(skip), [40_000]);
    const { cursor } = await world.stored(latest);
    assert.deepEqual([cursor.fired, cursor.skipped], [3, 37]);
  });

  it('fires a missed `at` however late, once', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ when: { kind: 'at', at: T0 + 1_000 } });
    world.clock.advance(7 * 86_400_000);
    world.restart();
    await world.pass(1_000);
    assert.deepEqual(await world.fired(webhook), [1_000]);
    assert.equal((await world.stored(webhook)).cursor.nominalAt, null);
  });

  it('hands a clock put forward to the misfire policy, and fires nothing again when it is put back', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    await world.pass(2_000);
    world.clock.jump(60_000);
    await world.settle();
    assert.deepEqual(await world.fired(webhook), [1_000, 2_000, 62_000]);
    world.clock.jump(-60_000);
    await world.pass(5_000);
    assert.deepEqual(await world.fired(webhook), [1_000, 2_000, 62_000]);
    assert.equal(world.lines.filter(({ message }) => /system clock was put/.test(message)).length, 2);
  });

  it('fires nothing for a paused webhook, and skips what it missed when it goes on', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    await world.pass(1_000);
    const before = await world.stored(webhook);
    const paused = { ...before, state: 'PAUSED', version: 2 } as const;
    await world.store.updateWebhooks([{ webhook: paused, ifVersion: 1 }]);
    await world.pass(5_000);
    assert.deepEqual(await world.fired(webhook), [1_000]);
    const cursor = resumeCursor(webhook.id, webhook.effective.schedule, before.cursor, world.clock.now());
    const resumed = { ...before, cursor, version: 3 };
    await world.store.updateWebhooks([{ webhook: resumed, ifVersion: 2, cursorFrom: before.cursor }]);
    await world.pass(2_000);
    assert.deepEqual(await world.fired(webhook), [1_000, 7_000, 8_000]);
    assert.equal((await world.stored(webhook)).cursor.skipped, 5);
  });

  it('fires nothing for a removed webhook', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    await world.store.removeWebhooks([{ id: webhook.id, now: T0 }]);
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), []);
  });

  it('fires nothing for a webhook that only events ring', async () => {
    await using world = await openWorld();
    const webhook = listener();
    await world.store.createWebhooks([webhook]);
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), []);
  });

  it('fires nothing any more once the schedule is taken away', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    await world.pass(1_000);
    const before = await world.stored(webhook);
    const { schedule: _, ...rest } = before.spec;
    const spec = { ...rest, eventTypes: ['order.paid'] };
    const { schedule } = before.effective;
    const cursor = replaceSchedule(webhook.id, schedule, before.cursor, undefined, world.clock.now());
    const change = {
      webhook: { ...before, spec, cursor, version: 2 },
      ifVersion: 1,
      cursorFrom: before.cursor,
    };
    assert.deepEqual(await world.store.updateWebhooks([change]), ['UPDATED']);
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), [1_000]);
  });

  it('follows a changed schedule from then on', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    await world.pass(1_000);
    const before = await world.stored(webhook);
    const spec = { ...before.spec, schedule: { ...before.effective.schedule!, ...every(3_000) } };
    const cursor = firstCursor(webhook.id, spec.schedule, world.clock.now());
    const change = {
      webhook: { ...before, spec, cursor, version: 2 },
      ifVersion: 1,
      cursorFrom: before.cursor,
    };
    assert.deepEqual(await world.store.updateWebhooks([change]), ['UPDATED']);
    await world.pass(7_000);
    assert.deepEqual(await world.fired(webhook), [1_000, 4_000, 7_000]);
  });

  it('fires a run whose template fails, to be rendered when it has its turn', async () => {
    await using world = await openWorld();
    const source = '{% for i in (1..100000) %}{{ webhook.labels.big }}{% endfor %}';
    const payload = aPayload({ body: { kind: 'template', source } });
    const labels = { big: 'x'.repeat(1_000) };
    const webhook = await world.register({ ...every(1_000), maxRuns: 2 }, { payload, labels });
    await world.pass(3_000);
    const { deliveries } = await world.store.pollWaiting();
    assert.deepEqual(
      deliveries.map(({ toRender }) => toRender),
      [true, true],
    );
    const { cursor } = await world.stored(webhook);
    assert.deepEqual([cursor.fired, cursor.skipped, cursor.nominalAt], [2, 0, null]);
  });

  it('lets the newer run take the place of one that is still waiting', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ ...every(1_000), overlap: 'SUPERSEDE' });
    await world.pass(2_000);
    const { deliveries } = await world.store.pollWaiting();
    const endings = deliveries.filter(({ webhookId }) => webhookId === webhook.id).map((row) => row.ending);
    assert.deepEqual(endings, ['SUPERSEDED', undefined]);
  });

  it('counts a run as skipped while one is waiting, where overlap says SKIP', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ ...every(1_000), overlap: 'SKIP' });
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), [1_000]);
    const { cursor } = await world.stored(webhook);
    assert.deepEqual([cursor.fired, cursor.skipped], [1, 2]);
  });

  it('lets runs wait their turn where overlap says BUFFER, and skips what finds no place', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ ...every(1_000), overlap: 'BUFFER' });
    await world.pass(1_005_000, 1_000);
    const fired = await world.fired(webhook);
    assert.deepEqual([fired.length, fired[0], fired.at(-1)], [1_000, 1_000, 1_000_000]);
    const { cursor } = await world.stored(webhook);
    assert.deepEqual([cursor.fired, cursor.skipped, cursor.nominalAt], [1_000, 5, T0 + 1_006_000]);
    const [lane] = await world.store.topUp([{ webhookId: webhook.id, limit: 10, ordered: false }]);
    assert.equal(lane?.deliveries.length, 1);
  });

  it('makes up for every missed run where misfire says FIRE_ALL and overlap BUFFER, in a queue', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ ...every(1_000), misfire: 'FIRE_ALL', overlap: 'BUFFER' });
    world.clock.advance(180_000);
    await world.settle();
    const fired = await world.fired(webhook);
    assert.deepEqual(
      fired,
      Array.from({ length: 180 }, (_, i) => (i + 1) * 1_000),
    );
    const { deliveries } = await world.store.pollWaiting();
    assert.deepEqual(
      deliveries.filter(({ ending }) => ending !== undefined),
      [],
    );
  });

  it('rings by several crons and an interval, and not where an exception covers', async () => {
    await using world = await openWorld();
    const inZone = { timeZone: 'UTC', dstGap: 'SHIFT', dstOverlap: 'FIRST' } as const;
    const exceptions = { timeZone: 'UTC', dates: [], crons: ['* * * * *'], spans: [] };
    const crons = await world.register({
      when: { kind: 'crons', expressions: ['*/20 * * * * *', '*/30 * * * * *'], ...inZone },
    });
    const quiet = await world.register({
      ...every(1_000),
      exceptions: { ...exceptions, crons: [], spans: [{ startAt: T0 + 3_000, endAt: T0 + 8_000 }] },
    });
    await world.pass(60_000, 1_000);
    const since = (ms: number) => (T0 + ms) % 60_000;
    assert.deepEqual(
      (await world.fired(crons)).map(since).toSorted((a, b) => a - b),
      [0, 20_000, 30_000, 40_000],
    );
    assert.deepEqual((await world.fired(quiet)).slice(0, 4), [1_000, 2_000, 8_000, 9_000]);
  });

  it('goes on after a run that was skipped, though it would have been the last by max_runs', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ ...every(1_000), overlap: 'SKIP', maxRuns: 2 });
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), [1_000]);
    const { deliveries } = await world.store.pollWaiting();
    const now = world.clock.now();
    const transition = { to: 'SUCCEEDED' } as const;
    await world.store.settle(
      deliveries.map((delivery) => ({ delivery, attempt: anAttempt(1), transition, now })),
      [],
    );
    await world.pass(3_000);
    assert.deepEqual(await world.fired(webhook), [1_000, 4_000]);
    const { cursor } = await world.stored(webhook);
    assert.deepEqual([cursor.fired, cursor.skipped, cursor.nominalAt], [2, 2, null]);
  });

  it('stops after max_runs and at the end', async () => {
    await using world = await openWorld();
    const counted = await world.register({ ...every(1_000), maxRuns: 2 });
    const ended = await world.register({ ...every(1_000), endAt: T0 + 3_000 });
    await world.pass(6_000);
    assert.deepEqual(await world.fired(counted), [1_000, 2_000]);
    assert.deepEqual(await world.fired(ended), [1_000, 2_000]);
  });

  it('fires nothing twice when two schedulers work on one store', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    const first = world.scheduler;
    world.restart();
    for (let i = 0; i < 50; i++) {
      world.clock.advance(100);
      await Promise.all([first.tick(), world.scheduler.tick()]);
    }
    await world.settle();
    assert.deepEqual(await world.fired(webhook), [1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('takes up again what was due when the store failed', async () => {
    await using world = await openWorld();
    const webhook = await world.register(every(1_000));
    await world.settle();
    const { fireRuns } = world.store;
    world.store.fireRuns = () => Promise.reject(new Error('disk full'));
    world.clock.advance(1_000);
    await assert.rejects(world.scheduler.tick(), /disk full/);
    world.store.fireRuns = fireRuns;
    await world.settle();
    assert.deepEqual(await world.fired(webhook), [1_000]);
  });
});
