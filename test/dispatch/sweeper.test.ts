import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSweeper } from '../../src/dispatch/sweeper.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { T0 } from '../support/store.ts';

const DAY = 86_400_000;

type Sweep = Parameters<Store['sweep']>[0];
type Tidying = Parameters<Store['tidy']>[0];

/** A sweeper on a store in whose batches so many rows are touched, one number a batch. */
function aSweeper(
  touched: readonly number[],
  during: () => void = () => {},
  emptied: readonly boolean[] = [],
  untidy: boolean[] = [],
) {
  const sweeps: Sweep[] = [];
  const left = [...touched];
  const sweep: Store['sweep'] = async (wish) => {
    sweeps.push(wish);
    during();
    return left.shift() ?? 0;
  };
  const { log, lines } = recordingLog();
  const attempts = [...emptied];
  const emptyLog = async (): Promise<boolean> => attempts.shift() ?? true;
  const clock = manualClock(T0);
  const settings = { retentionMs: 30 * DAY, payloadRetentionMs: 7 * DAY };
  const tidied: Tidying[] = [];
  const tidy: Store['tidy'] = async (wish) => {
    tidied.push(wish);
    if (untidy.shift()) throw new Error('no room');
  };
  const sweeper = createSweeper({ store: { sweep, emptyLog, tidy }, clock, log, settings });
  return { sweeper, sweeps, tidied, clock, lines };
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

  it('does not delete by a clock that is ahead before it has been so for ten minutes', async () => {
    const { sweeper, sweeps, clock } = aSweeper([]);
    clock.jump(400 * DAY);
    await sweeper.tick();
    clock.advance(10 * 60_000 - 1);
    await sweeper.tick();
    clock.advance(1);
    await sweeper.tick();
    clock.jump(-400 * DAY);
    await sweeper.tick();
    assert.deepEqual(
      sweeps.map(({ now }) => now - T0),
      [0, 600_000 - 1, 600_000 + 400 * DAY, 600_000],
    );
  });

  it('lets the store tidy up once a minute, however much there is to sweep', async () => {
    const { sweeper, tidied, clock } = aSweeper([500, 500, 500, 500]);
    for (const ms of [0, 20, 59_979, 1]) {
      clock.advance(ms);
      await sweeper.tick();
    }
    assert.deepEqual(tidied, [
      { now: T0, finishedBefore: T0 - 30 * DAY },
      { now: T0 + 60_000, finishedBefore: T0 + 60_000 - 30 * DAY },
    ]);
  });

  it('sweeps also where the store cannot tidy up, and says so', async () => {
    const { sweeper, sweeps, clock, lines } = aSweeper([], () => {}, [], [true, false]);
    await sweeper.tick();
    clock.advance(60_000);
    await sweeper.tick();
    assert.equal(sweeps.length, 2);
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [
        ['warn', 'the database could not be tidied; it is tried again in a minute'],
        ['info', 'the database could be tidied again'],
      ],
    );
  });

  it('empties the log of the store when nothing is left to sweep, and says since when somebody prevents it', async () => {
    const { sweeper, clock, lines } = aSweeper([5, 0, 0, 0, 0], () => {}, [false, false, true]);
    for (let tick = 0; tick < 5; tick++) {
      await sweeper.tick();
      clock.advance(60_000);
    }
    const since = '2026-01-01T00:01:00.000Z';
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [
        ['warn', { since }],
        ['warn', { since }],
        ['info', { since }],
      ],
    );
  });
});
