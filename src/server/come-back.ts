import type { Clock } from '../domain/clock.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

export interface ComeBackDeps {
  readonly store: Pick<Store, 'comeBack' | 'moveBack'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** A server that was away for longer could not attempt what was to be attempted meanwhile. */
const AWAY_MS = 5 * 60_000;
/** A clock that is behind what the store has seen, by more than this, was put back. */
const BEHIND_MS = 60_000;

/** Sees to what happened to time while no server was at work: how long that was, and whether the clock was put back. */
export async function comeBack({ store, clock, log }: ComeBackDeps): Promise<void> {
  const now = clock.now();
  const aliveAt = await store.comeBack({ now, awayMs: AWAY_MS });
  const byMs = aliveAt === undefined ? 0 : aliveAt - now;
  if (byMs <= BEHIND_MS) return;
  log.warn(
    { byMs },
    `the system clock was put back by ${byMs} ms or more since a server was last at work here`,
  );
  await store.moveBack({ byMs, now });
}
