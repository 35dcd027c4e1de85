import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { type Count, type Counters, createCounters } from '../calls/counters.ts';
import { createOverfull, type Overfull } from '../calls/overfull.ts';
import type { Database } from './database.ts';
import { createEventIds, type EventIds } from './event-ids.ts';
import type { Memory } from './group.ts';
import { createHooks, type Hooks } from './hooks.ts';
import { createJournal, type Journal } from './journal.ts';
import { createLastAttempts, type LastAttempts } from './last-attempts.ts';
import { type Catalog, createCatalog } from './lists/catalog.ts';
import { deliveryLists, eventLists } from './lists/definitions.ts';
import { createEnds, type Ends } from './lists/ends.ts';
import { createTenants, type Tenants } from './tenants.ts';
import { createTurns, type Turns } from './turns.ts';

/** What the verbs in the worker share: the database, and the little of it that is kept in memory. */
export interface Context {
  readonly db: Database;
  readonly bounds: WaitingBounds;
  readonly tenants: Tenants;
  readonly waiting: Counters;
  readonly overfull: Overfull;
  readonly hooks: Hooks;
  readonly journal: Journal;
  /** The lists of events and of deliveries. */
  readonly events: Catalog;
  readonly deliveries: Catalog;
  readonly ends: Ends;
  readonly eventIds: EventIds;
  readonly turns: Turns;
  readonly lastAttempts: LastAttempts;
  /** Removed webhooks of which deliveries still wait to be cancelled, and when each was removed. */
  readonly removed: Map<string, number>;
  /** Waiting deliveries whose event's data was erased: an attempt in flight is recorded without that data. */
  readonly erased: Set<number>;
  /** Whether data was erased since the write-ahead log was emptied. True at first: nobody knows what an earlier run left in it. */
  readonly log: { holdsErased: boolean };
  /** Takes the next place in the order in which events arrive. */
  readonly takeKey: () => number;
  /** Takes so many places in the order in which deliveries arrive, and returns the first. */
  readonly takeOrds: (count: number) => number;
  /** Takes the number of the next change of a key. None comes again, though the row that had the last may be deleted. */
  readonly takeKeyChange: () => number;
  /** Enters new rows in the lists, once there are enough of them. */
  readonly grew: () => void;
  /** Enters all deliveries in the lists. */
  readonly enterDeliveries: () => void;
  /** Everything that is kept in memory, to be taken back in a rollback. */
  readonly memory: Memory;
}

/** Longer than any clock is set back: times that should follow each other can be off by this much. */
export const SET_BACK_MAX_MS = 24 * 60 * 60 * 1000;

export function createContext(db: Database, bounds: WaitingBounds): Context {
  const counts = db.prepare<[...Count, id: string]>(`
    SELECT w.key, w.namespace, n, w.id FROM (
      SELECT webhook, count(*) AS n FROM deliveries INDEXED BY deliveries_due WHERE state = 0 GROUP BY webhook)
    JOIN webhooks AS w ON w.key = webhook`);
  const selectRemoved = db.prepare<[id: string, removedAt: number]>(
    'SELECT id, removed_at FROM webhooks WHERE removed_at IS NOT NULL AND emptying = 1',
  );
  const lastKey = db.prepare<[key: number | null]>('SELECT max(key) FROM events');
  const lastKeyChange = db.prepare<[change: number | null]>('SELECT max(change) FROM api_keys');
  const lastOrd = db.prepare<[ord: number | null]>('SELECT max(ord) FROM deliveries');

  const counted = counts.all();
  const waiting = createCounters(counted.map(([key, namespace, count]) => [key, namespace, count]));
  const tenants = createTenants(db, bounds);
  const hooks = createHooks(db, tenants);
  const overfull = createOverfull(waiting, tenants);
  for (const [, , , id] of counted) {
    const hook = hooks.get(id);
    if (hook !== undefined) overfull.look(id, hook);
  }
  const journal = createJournal(db);
  const events = createCatalog(db, eventLists);
  const deliveries = createCatalog(db, deliveryLists);
  const turns = createTurns(db);
  const lastAttempts = createLastAttempts(db);
  const removed = new Map<string, number>();
  // Counters here are cheaper than AUTOINCREMENT, which writes a row of its own for each insert. After a
  // restart a place may be given again, but only if neither a row nor a list has it.
  let nextKey = Math.max(lastKey.get()?.[0] ?? 0, events.upto()) + 1;
  let nextOrd = Math.max(lastOrd.get()?.[0] ?? 0, deliveries.upto()) + 1;
  // Whoever follows the changes of keys begins anew when the store is opened.
  let nextKeyChange = (lastKeyChange.get()?.[0] ?? 0) + 1;

  function readRemoved(): void {
    removed.clear();
    for (const [id, removedAt] of selectRemoved.all()) removed.set(id, removedAt);
  }

  readRemoved();
  return {
    db,
    bounds,
    tenants,
    waiting,
    overfull,
    hooks,
    journal,
    events,
    deliveries,
    ends: createEnds(db, deliveries),
    eventIds: createEventIds(db),
    turns,
    lastAttempts,
    removed,
    erased: new Set(),
    log: { holdsErased: true },
    takeKey: () => nextKey++,
    takeOrds(count) {
      const first = nextOrd;
      nextOrd += count;
      return first;
    },
    takeKeyChange: () => nextKeyChange++,
    grew() {
      events.grew(nextKey - 1);
      deliveries.grew(nextOrd - 1);
    },
    enterDeliveries: () => deliveries.enter(nextOrd - 1),
    memory: {
      begin: waiting.begin,
      mark: waiting.mark,
      undo(mark) {
        waiting.undo(mark);
        tenants.forgetAll();
        hooks.forgetAll();
        journal.reload();
        events.reload();
        deliveries.reload();
        turns.reload();
        lastAttempts.reload();
        readRemoved();
      },
    },
  };
}
