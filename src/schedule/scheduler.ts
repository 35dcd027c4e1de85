import { type Clock, presentOf, steadyClock } from '../domain/clock.ts';
import { shardOf } from '../domain/cluster/shard.ts';
import { createDueQueue } from '../domain/due-queue.ts';
import type { Random } from '../domain/random.ts';
import type { Present } from '../domain/schedule/schedule.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { createTurns } from '../publish/turns.ts';
import type { Directory } from '../store/directory.ts';
import type { Intake, RunFiring, UpcomingRun } from '../store/intake.ts';
import type { Log } from '../telemetry/log.ts';
import { cursorOfKnown, firingOf } from './firing.ts';
import { createRenewals } from './renewals.ts';

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
  readonly store: Pick<Intake, 'upcomingRuns' | 'fireRuns' | 'cursorsToRenew' | 'moveCursors'>;
  /**
   * Whether this node acts on the lanes of a shard: it fires the runs of their webhooks, and leaves others to others. When
   * it has other shards than before, `changed('ALL')` is to be called.
   */
  readonly holds: (shard: number) => boolean;
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

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { store, directory, clock, log } = deps;
  const queue = createDueQueue<string>();
  const changedIds = new Set<string>();
  const renewals = createRenewals(deps);
  const steady = steadyClock(clock);
  /** Every run due at this time or before is in the queue, or is being fired. */
  let readUntil = Number.NEGATIVE_INFINITY;
  /** Where reading goes on; undefined at the beginning. */
  let place: UpcomingRun | undefined;
  /** Whether the last read stopped at its bound, so that more of the same span is waiting. */
  let partial = false;

  function startOver(): void {
    queue.clear();
    changedIds.clear();
    readUntil = Number.NEGATIVE_INFINITY;
    place = undefined;
    partial = false;
  }

  function isOurs(webhookId: string): boolean {
    return deps.holds(shardOf(webhookId));
  }

  function enqueue(webhookId: string, dueAt: number | null): void {
    if (dueAt !== null && dueAt <= readUntil && isOurs(webhookId)) queue.push(webhookId, dueAt);
  }

  function wantsReading(now: number): boolean {
    return partial ? queue.size < QUEUED_MAX : now > readUntil - READ_LEAD_MS;
  }

  async function readAhead(now: number): Promise<void> {
    const before = now + AHEAD_MS;
    const runs = await store.upcomingRuns({ before, limit: READ_BATCH, ...(place && { after: place }) });
    for (const { webhookId, dueAt } of runs) if (isOurs(webhookId)) queue.push(webhookId, dueAt);
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
      if (isOurs(id)) ids.add(id);
    }
    return [...ids];
  }

  async function fire(due: readonly Webhook[], present: Present): Promise<number> {
    const { kept, moved, stale } = await renewals.renew(due, present);
    for (const id of stale) changedIds.add(id);
    for (const { id, cursor } of moved) enqueue(id, cursor.dueAt);
    const firings: RunFiring[] = [];
    const turns = createTurns(clock);
    for (const webhook of kept) {
      // A template can take as long as a turn.
      if (turns.isOver()) await turns.next();
      const firing = firingOf(webhook, present, deps);
      if (firing !== undefined) firings.push(firing);
    }
    if (firings.length === 0) return 0;
    const results = await store.fireRuns(firings);
    const known: RunFiring[] = [];
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
      if (results[i] === 'KNOWN') known.push(firing);
      fired += results[i] === 'FIRED' ? runs.length : 0;
    }
    if (known.length > 0) await uncount(known, kept);
    return fired;
  }

  /** The runs of these had fired before, and were counted then. */
  async function uncount(known: readonly RunFiring[], webhooks: readonly Webhook[]) {
    const byId = new Map(webhooks.map((webhook) => [webhook.id, webhook]));
    const moves = known.map((firing) => {
      const { webhookId, version } = firing;
      const to = cursorOfKnown(byId.get(webhookId)!, firing);
      return { webhookId, version, from: firing.to.nominalAt, to };
    });
    const results = await store.moveCursors(moves);
    for (const [i, { webhookId, to }] of moves.entries()) {
      if (results[i] !== 'MOVED') continue;
      directory.advance(webhookId, to);
      enqueue(webhookId, to.dueAt);
    }
  }

  function watchClock(): void {
    const jumpMs = steady.follow();
    if (jumpMs === 0) return;
    // Put forward, nothing has to be repaired: the misfire policy decides on late runs.
    log.warn(
      { jumpMs },
      `the system clock was put ${jumpMs > 0 ? 'forward' : 'back'} by ${Math.abs(jumpMs)} ms`,
    );
    startOver();
    // What was computed while it was ahead would wait until it is there again.
    if (jumpMs < 0) renewals.begin();
  }

  return {
    async tick() {
      watchClock();
      const present = presentOf(clock);
      const { now } = present;
      try {
        if (renewals.pending) {
          for (const { id, cursor } of await renewals.step(present)) enqueue(id, cursor.dueAt);
        }
        if (wantsReading(now)) await readAhead(now);
        if (changedIds.size > 0) await readChanged();
        const due = takeDue(now);
        if (due.length === 0) return 0;
        const webhooks = await directory.load(due);
        return await fire(
          webhooks.filter((webhook) => webhook !== undefined),
          present,
        );
      } catch (error) {
        // What was taken out of the queue is still due in the store.
        startOver();
        renewals.begin();
        throw error;
      }
    },
    idleMs() {
      const now = clock.now();
      if (changedIds.size > 0 || renewals.pending || wantsReading(now)) return 0;
      return Math.min(SLEEP_MAX_MS, Math.max(0, queue.nextDueAt - now));
    },
    changed(webhookIds) {
      if (webhookIds === 'ALL' || changedIds.size + webhookIds.length > CHANGED_MAX) startOver();
      else for (const id of webhookIds) changedIds.add(id);
    },
  };
}
