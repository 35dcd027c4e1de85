import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { type Count, type Counters, createCounters } from '../calls/counters.ts';
import { createOverfull, type Overfull } from '../calls/overfull.ts';
import type { Database } from './database.ts';
import type { Memory } from './group.ts';
import { createHooks, type Hooks } from './hooks.ts';
import { createJournal, type Journal } from './journal.ts';
import { createLastAttempts, type LastAttempts } from './last-attempts.ts';
import { createErased, type Erased } from './space/erased.ts';
import { createTenants, type Tenants } from './tenants.ts';
import { createTurns, type Turns } from './turns.ts';

/** What the verbs share: the database, and the little of it that is kept in memory. */
export interface Context {
  readonly db: Database;
  readonly bounds: WaitingBounds;
  readonly tenants: Tenants;
  readonly hooks: Hooks;
  readonly journal: Journal;
  readonly turns: Turns;
  readonly lastAttempts: LastAttempts;
  /** What waits. Another after the connection was lost, so it is not to be held on to. */
  readonly waiting: Counters;
  readonly overfull: Overfull;
  /** Removed webhooks of which deliveries still wait to be cancelled, and when each was removed. */
  readonly removed: Map<string, number>;
  /** What was erased since dead rows were cleared away. */
  readonly erased: Erased;
  readonly memory: Memory & {
    /** Nothing that is kept can be relied on: another session has begun. */
    readonly forget: () => void;
  };
}

/** Longer than any clock is set back: times that should follow each other can be off by this much. */
export const SET_BACK_MAX_MS = 24 * 60 * 60 * 1000;

export function createContext(db: Database, bounds: WaitingBounds): Context {
  const counts = db.prepare<[...Count, id: string]>(`
    SELECT w.key, w.namespace, n, w.id FROM (SELECT webhook, count(*) AS n FROM @waiting GROUP BY webhook) AS lanes
    JOIN @webhooks AS w ON w.key = webhook`);
  const selectRemoved = db.prepare<[id: string, removedAt: number]>(
    'SELECT id, removed_at FROM @webhooks WHERE removed_at IS NOT NULL AND emptying = 1',
  );
  const tenants = createTenants(db, bounds);
  const hooks = createHooks(db, tenants);
  const turns = createTurns(db);
  const lastAttempts = createLastAttempts(db);
  const removed = new Map<string, number>();
  let waiting = createCounters([]);
  let overfull = createOverfull(waiting, tenants);
  /** What is to be read again. */
  let stale: 'NOTHING' | 'NOTES' | 'ALL' = 'ALL';

  async function count(): Promise<void> {
    const counted = await counts.all();
    waiting = createCounters(counted.map(([key, namespace, each]) => [key, namespace, each]));
    overfull = createOverfull(waiting, tenants);
    const ids = counted.map(([, , , id]) => id);
    await hooks.load(ids);
    for (const id of ids) {
      const hook = hooks.get(id);
      if (hook !== undefined) overfull.look(id, hook);
    }
  }

  async function readNotes(): Promise<void> {
    removed.clear();
    for (const [id, removedAt] of await selectRemoved.all()) removed.set(id, removedAt);
    await turns.reload();
    await lastAttempts.reload();
  }

  return {
    db,
    bounds,
    tenants,
    hooks,
    journal: createJournal(db),
    turns,
    lastAttempts,
    get waiting() {
      return waiting;
    },
    get overfull() {
      return overfull;
    },
    removed,
    erased: createErased(),
    memory: {
      begin: () => waiting.begin(),
      undo() {
        waiting.undo(0);
        tenants.forgetAll();
        hooks.forgetAll();
        if (stale === 'NOTHING') stale = 'NOTES';
      },
      forget() {
        tenants.forgetAll();
        hooks.forgetAll();
        stale = 'ALL';
      },
      async refresh() {
        if (stale === 'NOTHING') return;
        await readNotes();
        if (stale === 'ALL') await count();
        stale = 'NOTHING';
      },
    },
  };
}
