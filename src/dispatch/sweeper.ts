import { type Clock, steadyClock } from '../domain/clock.ts';
import { toRfc3339 } from '../domain/rfc3339.ts';
import { createTrouble, troubleFields } from '../domain/trouble.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * Housekeeping in small batches, so that it never holds up a delivery: deliveries of removed webhooks
 * are cancelled, what finished before the retention is deleted, and old data is erased. When nothing is left
 * to do, the store's log is emptied if it needs it, so that what was erased is gone and space is given back. Once a
 * minute the store does what it does beside others.
 */
export interface Sweeper {
  /** One batch. Returns how many rows it touched. */
  tick(): Promise<number>;
  /** Milliseconds until the next batch. */
  idleMs(): number;
  /** Makes the next batch come soon, because a webhook was removed. */
  hurry(): void;
}

export interface SweeperDeps {
  readonly store: Pick<Store, 'sweep' | 'emptyLog' | 'tidy'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: {
    /** How long finished deliveries, and events of which nothing is left, are kept. */
    readonly retentionMs: number;
    /** How long the data of events is kept once none of their deliveries waits. */
    readonly payloadRetentionMs: number;
  };
}

/** The pause after a batch that found nothing. */
const IDLE_MS = 60_000;
/** The pause after a batch that found something: meanwhile others have the store. */
const PAUSE_MS = 20;

/** How often the store does what it does beside others. */
const TIDY_MS = 60_000;

/** A clock that is ahead is believed when it has been so for this long: what is deleted by age does not come back. */
const BELIEVED_MS = 10 * 60_000;

export function createSweeper({ store, clock, log, settings }: SweeperDeps): Sweeper {
  const steady = steadyClock(clock);
  /** Since when the clock has been ahead, by the monotonic one. */
  let aheadSince: number | undefined;
  let foundMore = true;
  /** Of emptying the store's log. */
  const trouble = createTrouble({ now: steady.now, monotonic: clock.monotonic });

  function believedNow(): number {
    const isAhead = steady.step() > 0;
    aheadSince = isAhead ? (aheadSince ?? clock.monotonic()) : undefined;
    if (aheadSince === undefined || clock.monotonic() - aheadSince >= BELIEVED_MS) steady.follow();
    return steady.now();
  }

  let tidiedAt = Number.NEGATIVE_INFINITY;
  /** Of what the store does beside others. */
  const untidy = createTrouble({ now: steady.now, monotonic: clock.monotonic });

  /** It may have to wait for others until the next minute, and holds up nothing else here. */
  async function tidy(now: number, finishedBefore: number): Promise<void> {
    if (clock.monotonic() - tidiedAt < TIDY_MS) return;
    tidiedAt = clock.monotonic();
    try {
      await store.tidy({ now, finishedBefore });
      if (untidy.isOver() !== undefined) log.info({}, 'the database could be tidied again');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const told = untidy.failed(reason);
      if (told !== undefined)
        log.warn(
          { reason, ...troubleFields(told) },
          'the database could not be tidied; it is tried again in a minute',
        );
    }
  }

  async function emptyLog(): Promise<void> {
    if (await store.emptyLog()) {
      const over = trouble.isOver();
      if (over !== undefined) {
        log.info({ since: toRfc3339(over.since) }, 'the log of the database could be emptied again');
      }
      return;
    }
    const told = trouble.failed('held');
    if (told === undefined) return;
    log.warn(
      { since: toRfc3339(told.since) },
      'the log of the database cannot be emptied: another program has been reading the database since then, or longer',
    );
  }

  return {
    async tick() {
      // Before the batch and not after it, so that `hurry` during the batch is not forgotten.
      foundMore = false;
      const now = believedNow();
      const finishedBefore = now - settings.retentionMs;
      const payloadsBefore = now - settings.payloadRetentionMs;
      await tidy(now, finishedBefore);
      const touched = await store.sweep({ now, finishedBefore, payloadsBefore });
      if (touched > 0) foundMore = true;
      else await emptyLog();
      return touched;
    },
    idleMs: () => (foundMore ? PAUSE_MS : IDLE_MS),
    hurry() {
      foundMore = true;
    },
  };
}
