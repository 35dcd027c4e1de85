import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSweeper } from '../../src/dispatch/sweeper.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { T0 } from '../support/store.ts';

const DAY = 86_400_000;

type Sweep = Parameters<Store['sweep']>[0];

/** A sweeper on a store in whose batches so many rows are touched, one number a batch. */
function aSweeper(touched: readonly number[], during: () => void = () => {}) {
  const sweeps: Sweep[] = [];
  const left = [...touched];
  const sweep: Store['sweep'] = async (wish) => {
    sweeps.push(wish);
    during();
    return left.shift() ?? 0;
  };
  const settings = { retentionMs: 30 * DAY, payloadRetentionMs: 7 * DAY };
  const sweeper = createSweeper({ store: { sweep }, clock: manualClock(T0), settings });
  return { sweeper, sweeps };
}

describe('the sweeper', () => {
  it('looks for work when the server starts', () => {
    const { sweeper } = aSweeper([]);
    assert.equal(sweeper.idleMs(), 20);
  });

  it('sweeps one batch a tick, and leaves the store to others before the next', async () => {
    const { sweeper, sweeps } = aSweeper([1_000, 1_000, 3, 0]);
    for (const expected of [1_000, 1_000, 3]) {
      assert.equal(await sweeper.tick(), expected);
      assert.equal(sweeper.idleMs(), 20);
    }
    assert.equal(sweeps.length, 3);
  });

  it('looks once a minute when there is nothing to sweep', async () => {
    const { sweeper } = aSweeper([7, 0, 0]);
    await sweeper.tick();
    for (let tick = 0; tick < 2; tick++) {
      assert.equal(await sweeper.tick(), 0);
      assert.equal(sweeper.idleMs(), 60_000);
    }
  });

  it('looks again soon when a webhook is removed, also while a batch is under way', async () => {
    const { sweeper } = aSweeper([0]);
    await sweeper.tick();
    sweeper.hurry();
    assert.equal(sweeper.idleMs(), 20);
    const meanwhile = aSweeper([0], () => meanwhile.sweeper.hurry());
    await meanwhile.sweeper.tick();
    assert.equal(meanwhile.sweeper.idleMs(), 20);
  });

  it('keeps what has been finished, and the data of events, for as long as the settings say', async () => {
    const { sweeper, sweeps } = aSweeper([]);
    await sweeper.tick();
    assert.deepEqual(sweeps, [{ now: T0, finishedBefore: T0 - 30 * DAY, payloadsBefore: T0 - 7 * DAY }]);
  });
});
