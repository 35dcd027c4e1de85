import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../src/domain/random.ts';
import { createScheduler } from '../../src/schedule/scheduler.ts';
import type { RunFiring } from '../../src/store/intake.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { holdsAll } from '../support/shards.ts';
import { aWebhook, T0 } from '../support/store.ts';

test('a firing that comes too late is made anew, from the webhook as it is now', async () => {
  const clock = manualClock(T0 + 60_000);
  const old = aWebhook();
  const now = { ...old, version: 2 };
  let known = old;
  const firings: RunFiring[] = [];
  const scheduler = createScheduler({
    holds: holdsAll,
    store: {
      cursorsToRenew: async () => ({ webhookIds: [] }),
      moveCursors: async () => [],
      upcomingRuns: async () => (firings.length === 0 ? [{ webhookId: old.id, dueAt: T0 + 60_000 }] : []),
      async fireRuns(batch) {
        firings.push(...batch);
        return batch.map(({ version }) => (version === now.version ? 'FIRED' : 'STALE'));
      },
    },
    directory: {
      load: async (ids) => ids.map(() => known),
      advance: () => {},
      forget() {
        known = now;
      },
    },
    clock,
    random: systemRandom(),
    log: recordingLog().log,
  });
  assert.equal(await scheduler.tick(), 0);
  assert.equal(scheduler.idleMs(), 0);
  assert.equal(await scheduler.tick(), 1);
  assert.deepEqual(
    firings.map(({ version }) => version),
    [1, 2],
  );
});
