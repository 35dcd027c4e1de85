import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NamespaceState } from '../../src/domain/access/namespace.ts';
import { MINUTE } from '../support/schedule.ts';
import { openWorld, type World } from '../support/scheduling.ts';
import { T0 } from '../support/store.ts';

async function become(world: World, state: NamespaceState): Promise<void> {
  const [found] = await world.store.getNamespaces(['default']);
  const namespace = { ...found!, state, version: found!.version + 1 };
  await world.store.updateNamespaces([{ namespace, ifVersion: found!.version }]);
}

describe('The schedules of a namespace that is suspended', () => {
  it('skip and count their runs, and ring again at the next one when it is resumed', async () => {
    await using world = await openWorld();
    const every = await world.register({ when: { kind: 'every', periodMs: MINUTE }, misfire: 'FIRE_ALL' });
    await world.pass(MINUTE);
    await become(world, 'SUSPENDED');
    await world.pass(3 * MINUTE);
    assert.deepEqual(await world.fired(every), [MINUTE]);
    const { fired, skipped } = (await world.stored(every)).cursor;
    assert.deepEqual([fired, skipped], [1, 3]);
    await become(world, 'ACTIVE');
    await world.pass(MINUTE);
    assert.deepEqual(await world.fired(every), [MINUTE, 5 * MINUTE]);
  });

  it('skip what was due while nobody was at work, too', async () => {
    await using world = await openWorld();
    const every = await world.register({ when: { kind: 'every', periodMs: MINUTE }, misfire: 'FIRE_ALL' });
    await become(world, 'SUSPENDED');
    world.clock.advance(3 * MINUTE);
    world.restart();
    await world.settle();
    await become(world, 'ACTIVE');
    await world.pass(MINUTE);
    assert.deepEqual(await world.fired(every), [4 * MINUTE]);
  });

  it('keep a run that rings but once until it is resumed', async () => {
    await using world = await openWorld();
    const once = await world.register({ when: { kind: 'at', at: T0 + MINUTE } });
    await become(world, 'SUSPENDED');
    await world.pass(2 * MINUTE);
    assert.deepEqual(await world.fired(once), []);
    await become(world, 'ACTIVE');
    await world.pass(MINUTE);
    assert.deepEqual(await world.fired(once), [MINUTE]);
  });

  it('stop for good when it is deleted', async () => {
    await using world = await openWorld();
    const every = await world.register({ when: { kind: 'every', periodMs: MINUTE } });
    await become(world, 'DELETING');
    await world.pass(3 * MINUTE);
    assert.deepEqual(await world.fired(every), []);
  });
});
