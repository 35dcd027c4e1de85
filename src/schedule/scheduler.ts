import type { Clock } from '../domain/clock.ts';
import { createDueQueue } from '../domain/due-queue.ts';
import type { Random } from '../domain/random.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { createTurns } from '../publish/turns.ts';
import type { Directory } from '../store/directory.ts';
import type { Intake, RunFiring, UpcomingRun } from '../store/intake.ts';
import type { Log } from '../telemetry/log.ts';
import { firingOf } from './firing.ts';

/**
 * Fires the runs of schedules. The store knows when each webhook's next run is due; the scheduler keeps
 * those of the next half minute in memory, soonest first, and reads on ahead of time. What it holds is
 * only a hint: a firing is a compare-and-set on the webhook's cursor, so a run that was queued twice, or
 * whose webhook changed, fires once or not at all.
 */
export interface Scheduler {
  /**
   * Reads ahead where needed and fires what is due, at most `FIRE_BATCH` webhooks. Returns how many runs were
   * fired. Raises UNAVAILABLE and EXHAUSTED; what was due is still due then.
   */
  tick(): Promise<number>;
  /** Milliseconds until `tick` has something to do, at most `SLEEP_MAX_MS`. */
  idleMs(): number;
  /** Notes webhooks whose schedule or state changed. */
  changed(webhookIds: readonly string[] | 'ALL'): void;
}

export interface SchedulerDeps {
  readonly store: Pick<Intake, 'upcomingRuns' | 'fireRuns'>;
  readonly directory: Pick<Directory, 'load' | 'advance' | 'forget'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How far ahead runs are kept in memory. */
export const AHEAD_MS = 30_000;
/** How long before the end of that span the next runs are read. */
const READ_LEAD_MS = 10_000;
/** Runs read from the store at a time. */
const READ_BATCH = 5_000;
/** Runs in memory at which reading ahead stops until some have fired. */
const QUEUED_MAX = 200_000;
/** Webhooks fired in one transaction. */
const FIRE_BATCH = 500;
/** Changed webhooks remembered; when there are more, everything is read again. */
const CHANGED_MAX = 20_000;
/** The longest sleep: a clock that is put forward is noticed within it. */
const SLEEP_MAX_MS = 1_000;
/** A difference between wall and monotonic time that is worth a line in the log. */
const CLOCK_JUMP_MS = 2_000;

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { store, directory, clock, log } = deps;
  const queue = createDueQueue<string>();
  const changedIds = new Set<string>();
  /** Every run due at this time or before is in the queue, or is being fired. */
  let readUntil = Number.NEGATIVE_INFINITY;
  /** Where reading goes on; undefined at the beginning. */
  let place: UpcomingRun | undefined;
  /** Whether the last read stopped at its bound, so that more of the same span is waiting. */
  let partial = false;
  let skew = clock.now() - clock.monotonic();

  function startOver(): void {
    queue.clear();
    changedIds.clear();
    readUntil = Number.NEGATIVE_INFINITY;
    place = undefined;
    partial = false;
  }

  function enqueue(webhookId: string, dueAt: number | null): void {
    if (dueAt !== null && dueAt <= readUntil) queue.push(webhookId, dueAt);
  }

  function wantsReading(now: number): boolean {
    return partial ? queue.size < QUEUED_MAX : now > readUntil - READ_LEAD_MS;
  }

  async function readAhead(now: number): Promise<void> {
    const before = now + AHEAD_MS;
    const runs = await store.upcomingRuns({ before, limit: READ_BATCH, ...(place && { after: place }) });
    for (const run of runs) queue.push(run.webhookId, run.dueAt);
    partial = runs.length === READ_BATCH;
    const last = runs.at(-1);
    readUntil = partial ? last!.dueAt : before - 1;
    // No id is less than the empty one, so the next read begins at `before` itself.
    place = partial ? last : { webhookId: '', dueAt: before };
  }

  async function readChanged(): Promise<void> {
    const ids = [...changedIds];
    for (const id of ids) changedIds.delete(id);
    for (const webhook of await directory.load(ids)) {
      if (webhook?.state === 'ACTIVE') enqueue(webhook.id, webhook.cursor.dueAt);
    }
  }

  function takeDue(now: number): string[] {
    const ids = new Set<string>();
    while (ids.size < FIRE_BATCH) {
      const id = queue.popDue(now);
      if (id === undefined) break;
      ids.add(id);
    }
    return [...ids];
  }

  async function fire(webhooks: readonly Webhook[], now: number): Promise<number> {
    const firings: RunFiring[] = [];
    const turns = createTurns(clock);
    for (const webhook of webhooks) {
      // A template can take as long as a turn.
      if (turns.isOver()) await turns.next();
      const firing = firingOf(webhook, now, deps);
      if (firing !== undefined) firings.push(firing);
    }
    if (firings.length === 0) return 0;
    const results = await store.fireRuns(firings);
    let fired = 0;
    for (const [i, firing] of firings.entries()) {
      const { webhookId, to, onOverlap, runs } = firing;
      if (results[i] === 'STALE') {
        directory.forget(webhookId);
        changedIds.add(webhookId);
        continue;
      }
      const cursor = results[i] === 'SKIPPED' && 'to' in onOverlap ? onOverlap.to : to;
      directory.advance(webhookId, cursor);
      enqueue(webhookId, cursor.dueAt);
      fired += results[i] === 'SKIPPED' ? 0 : runs.length;
    }
    return fired;
  }

  function watchClock(): void {
    const skewNow = clock.now() - clock.monotonic();
    const jumpMs = Math.round(skewNow - skew);
    // Slow drift is not a jump: the comparison is always with the tick before.
    skew = skewNow;
    if (Math.abs(jumpMs) < CLOCK_JUMP_MS) return;
    // Nothing has to be repaired: the misfire policy decides on late runs, and the cursors say what has fired.
    log.warn(
      { jumpMs },
      `the system clock was put ${jumpMs > 0 ? 'forward' : 'back'} by ${Math.abs(jumpMs)} ms`,
    );
    startOver();
  }

  return {
    async tick() {
      watchClock();
      const now = clock.now();
      try {
        if (wantsReading(now)) await readAhead(now);
        if (changedIds.size > 0) await readChanged();
        const due = takeDue(now);
        if (due.length === 0) return 0;
        const webhooks = await directory.load(due);
        return await fire(
          webhooks.filter((webhook) => webhook !== undefined),
          now,
        );
      } catch (error) {
        // What was taken out of the queue is still due in the store.
        startOver();
        throw error;
      }
    },
    idleMs() {
      const now = clock.now();
      if (changedIds.size > 0 || wantsReading(now)) return 0;
      return Math.min(SLEEP_MAX_MS, Math.max(0, queue.nextDueAt - now));
    },
    changed(webhookIds) {
      if (webhookIds === 'ALL' || changedIds.size + webhookIds.length > CHANGED_MAX) startOver();
      else for (const id of webhookIds) changedIds.add(id);
    },
  };
}
