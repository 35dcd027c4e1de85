import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemRandom } from '../../src/domain/random.ts';
import { createScheduler } from '../../src/schedule/scheduler.ts';
import type { UpcomingRun } from '../../src/store/intake.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { holdsAll } from '../support/shards.ts';
import { T0 } from '../support/store.ts';

/** A scheduler on a store that has as many runs to come as it is told, all of them later than now. */
function aScheduler(runs: (limit: number) => number) {
  const clock = manualClock(T0);
  const reads: number[] = [];
  const loaded: number[] = [];
  const scheduler = createScheduler({
    holds: holdsAll,
    store: {
      cursorsToRenew: async () => ({ webhookIds: [] }),
      moveCursors: async () => [],
      async upcomingRuns({ before, limit }) {
        reads.push(before);
        const run: UpcomingRun = { webhookId: `webhook-${reads.length}`, dueAt: before - 1 };
        return Array<UpcomingRun>(runs(limit)).fill(run);
      },
      fireRuns: async () => [],
    },
    directory: {
      async load(ids) {
        loaded.push(ids.length);
        return ids.map(() => undefined);
      },
      advance: () => {},
      forget: () => {},
    },
    clock,
    random: systemRandom(),
    log: recordingLog().log,
  });
  return { scheduler, clock, reads, loaded };
}

describe('what the scheduler keeps in memory', () => {
  it('is read anew ten seconds before it ends, and not before', async () => {
    const { scheduler, clock, reads } = aScheduler(() => 0);
    await scheduler.tick();
    clock.advance(19_000);
    await scheduler.tick();
    assert.deepEqual(reads, [T0 + 30_000]);
    clock.advance(1_001);
    await scheduler.tick();
    assert.deepEqual(reads, [T0 + 30_000, T0 + 50_001]);
  });

  it('is at most two hundred thousand runs, however many are to come', async () => {
    const { scheduler, reads } = aScheduler((limit) => limit);
    for (let tick = 0; tick < 60; tick++) await scheduler.tick();
    assert.equal(reads.length, 40);
  });

  it('is read anew as a whole, rather than one by one, when very many webhooks changed', async () => {
    const { scheduler, reads, loaded } = aScheduler(() => 0);
    await scheduler.tick();
    scheduler.changed(Array.from({ length: 20_001 }, (_, i) => `webhook-${i}`));
    await scheduler.tick();
    assert.deepEqual([reads.length, loaded], [2, []]);
  });
});
