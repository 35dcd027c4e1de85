import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { every, openWorld, type World } from '../support/scheduling.ts';
import { T0 } from '../support/store.ts';

describe('a clock that was ahead for some seconds', () => {
  const DAYS_400_MS = 400 * 86_400_000;
  /** The runs of before and after, without those that rang while it was ahead. */
  const present = (times: readonly number[]) => times.filter((time) => time < DAYS_400_MS / 2);

  for (const [when, isRestarted] of [
    ['while it runs', false],
    ['while it is stopped', true],
  ] as const) {
    it(`silences nothing when it is put right ${when}`, async () => {
      await using world = await openWorld();
      const webhooks = [
        await world.register(every(5_000)),
        await world.register({ ...every(5_000), misfire: 'FIRE_ALL', overlap: 'ALLOW' }),
        await world.register({ ...every(5_000), endAt: T0 + 100_000 }),
      ];
      await world.pass(5_000);
      world.clock.jump(DAYS_400_MS);
      await world.settle();
      const registered = await world.register(every(5_000));
      await world.pass(6_000);
      world.clock.jump(-DAYS_400_MS);
      if (isRestarted) world.restart();
      await world.pass(20_000);
      for (const webhook of webhooks) {
        const fired = present(await world.fired(webhook));
        assert.deepEqual(fired, [5_000, 15_000, 20_000, 25_000, 30_000]);
      }
      assert.deepEqual(present(await world.fired(registered)), [16_100, 21_100, 26_100]);
      const warnings = world.lines.filter(({ message }) => /the clock is behind/.test(message));
      assert.deepEqual(
        warnings.map(({ level, fields }) => [level, fields.webhooks]),
        [['warn', 4]],
      );
    });
  }

  it('rings nothing twice, and counts nothing twice, when the same times come again', async () => {
    await using world = await openWorld();
    const webhook = await world.register({ ...every(10_000), overlap: 'ALLOW' });
    const counted = await world.register({ ...every(10_000), overlap: 'ALLOW', maxRuns: 8 });
    world.clock.jump(120_000);
    await world.pass(50_000);
    world.clock.jump(-120_000);
    const times = [120, 130, 140, 150, 160, 170].map((seconds) => seconds * 1_000);
    assert.deepEqual(await world.fired(webhook), times);
    await world.pass(130_000);
    const before = [60, 70, 80, 90, 100, 110].map((seconds) => seconds * 1_000);
    assert.deepEqual(await world.fired(webhook), [...before, ...times, 180_000]);
    const stored = await world.stored(webhook);
    assert.equal(stored.cursor.fired, 13);
    assert.deepEqual(await world.fired(counted), [60_000, 70_000, ...times]);
    assert.deepEqual(
      [(await world.stored(counted)).cursor.fired, (await world.stored(counted)).cursor.nominalAt],
      [8, null],
    );
  });
});

describe('new time zone rules', () => {
  const when = { kind: 'cron', timeZone: 'Europe/Vienna', dstGap: 'SHIFT', dstOverlap: 'FIRST' } as const;
  /** Ten minutes past each hour. */
  const hourly = { when: { ...when, expression: '10 * * * *' } };
  const [WRONG, RIGHT] = [5 * 60_000, 10 * 60_000];

  /** Stored as other rules had it: five minutes early. */
  async function storedByOthers(world: World, at = WRONG): Promise<Webhook> {
    const webhook = await world.register(hourly);
    const to = { ...webhook.cursor, nominalAt: T0 + at, dueAt: T0 + at, movedAt: T0, zoneRules: 'old' };
    const move = { webhookId: webhook.id, version: webhook.version, from: webhook.cursor.nominalAt, to };
    assert.deepEqual(await world.store.moveCursors([move]), ['MOVED']);
    return webhook;
  }

  it('reach next runs that are stored, soonest first, before these ring at the wrong time', async () => {
    await using world = await openWorld();
    const webhook = await storedByOthers(world);
    const unaffected = await world.register(every(60_000));
    world.restart('new');
    await world.settle();
    const { cursor } = await world.stored(webhook);
    assert.deepEqual([cursor.nominalAt, cursor.dueAt, cursor.zoneRules], [T0 + RIGHT, T0 + RIGHT, 'new']);
    await world.pass(RIGHT + 60_000, 10_000);
    assert.deepEqual(await world.fired(webhook), [RIGHT]);
    assert.deepEqual((await world.fired(unaffected)).length, 11);
    const told = world.lines.filter(({ message }) => /time zone rules/.test(message));
    assert.deepEqual(
      told.map(({ level, fields }) => [level, fields.webhooks, fields.zoneRules]),
      [['info', 1, 'new']],
    );
  });

  it('reach one that is due at once when the process begins', async () => {
    await using world = await openWorld();
    const webhook = await storedByOthers(world);
    world.clock.advance(WRONG + 60_000);
    world.restart('new');
    await world.pass(RIGHT, 10_000);
    assert.deepEqual(await world.fired(webhook), [RIGHT]);
  });

  it('reach one that is due before it was looked at, which rings at the right time, if that is soon, too', async () => {
    await using world = await openWorld();
    const webhooks = [await storedByOthers(world), await storedByOthers(world, RIGHT - 5_000)];
    world.store.cursorsToRenew = async () => ({ webhookIds: [] });
    world.restart('new');
    await world.pass(RIGHT + 1_000, 1_000);
    for (const webhook of webhooks) assert.deepEqual(await world.fired(webhook), [RIGHT]);
  });

  it('reach more of them than are looked at in one go, and are looked for once', async () => {
    await using world = await openWorld();
    const webhooks = [];
    for (let i = 0; i < 30; i++) webhooks.push(await storedByOthers(world));
    const { cursorsToRenew } = world.store;
    const looks: (string | undefined)[] = [];
    world.store.cursorsToRenew = async (query) => {
      looks.push(query.after?.webhookId);
      const found = await cursorsToRenew(query);
      // As if no more than ten could be looked at.
      if (found.webhookIds.length <= 10) return found;
      const webhookIds = found.webhookIds.slice(0, 10);
      return { webhookIds, next: { webhookId: webhookIds.at(-1)!, dueAt: T0 + WRONG } };
    };
    world.restart('new');
    await world.settle();
    for (const webhook of webhooks) assert.equal((await world.stored(webhook)).cursor.nominalAt, T0 + RIGHT);
    // Three for all of them, and once more since some were found.
    assert.equal(looks.length, 4);
    await world.pass(60_000, 10_000);
    assert.equal(looks.length, 4);
  });

  it('reach one that was changed at the same moment', async () => {
    await using world = await openWorld();
    const webhook = await storedByOthers(world);
    const { moveCursors } = world.store;
    let raced = false;
    world.store.moveCursors = async (batch) => {
      if (!raced) {
        raced = true;
        const found = await world.stored(webhook);
        const changed = { webhook: { ...found, version: found.version + 1 }, ifVersion: found.version };
        assert.deepEqual(await world.store.updateWebhooks([changed]), ['UPDATED']);
      }
      return moveCursors(batch);
    };
    world.restart('new');
    await world.settle();
    assert.equal((await world.stored(webhook)).cursor.nominalAt, T0 + RIGHT);
  });
});
