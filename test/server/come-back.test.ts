import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comeBack } from '../../src/server/come-back.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { T0 } from '../support/store.ts';

const MINUTE = 60_000;

/** What is moved when a server comes back that was last at work so long ago; negative: so far ahead. */
async function moved(awayMs: number | undefined): Promise<{ byMs: number[]; lines: number }> {
  const byMs: number[] = [];
  const { log, lines } = recordingLog();
  const store = {
    comeBack: async () => (awayMs === undefined ? undefined : T0 - awayMs),
    moveBack: async (query: { byMs: number }) => void byMs.push(query.byMs),
  };
  await comeBack({ store, clock: manualClock(T0), log });
  return { byMs, lines: lines.length };
}

describe('a server that comes back', () => {
  it('moves what waits where the clock is more than a minute behind, and says so', async () => {
    assert.deepEqual(await moved(-MINUTE - 1), { byMs: [MINUTE + 1], lines: 1 });
  });

  it('moves nothing otherwise', async () => {
    for (const awayMs of [undefined, -MINUTE, 0, 86_400_000])
      assert.deepEqual(await moved(awayMs), { byMs: [], lines: 0 });
  });
});
