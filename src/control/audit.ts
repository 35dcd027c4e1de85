import {
  type AuditEntry,
  type AuditedCall,
  type Changes,
  entryIdOf,
  joined,
  NO_CHANGES,
} from '../domain/access/audit.ts';
import { type Rate, takeOne } from '../domain/access/rate.ts';
import { boundedCache } from '../domain/bounded-cache.ts';
import { createIds } from '../domain/id.ts';
import type { Needs } from './deps.ts';
import { type AuditListOrder, listAuditEntries, type Read } from './list.ts';

export type AuditDeps = Needs<'onBehalf' | 'enterRefusals' | 'scanAuditEntries', 'clock' | 'random'>;

/** A call that may change something. */
export type Asking = Omit<AuditedCall, 'id' | 'at'>;

/** Entries of refused calls: so many of one caller, and of all, and then so many a second. */
const REFUSALS_OF_ONE: Rate = { perSecond: 1 / 60, burst: 10 };
const REFUSALS_OF_ALL: Rate = { perSecond: 1, burst: 100 };
/** Callers of whom it is known how often they were refused. */
const CALLERS_MAX = 10_000;

/** The audit log: what callers changed, and what they were refused. */
export function createAudit({ store, clock, random }: AuditDeps) {
  const idAt = createIds('audit', random);
  const paidBy = boundedCache<string, number>(CALLERS_MAX);
  let paidByAll = 0;

  function callFrom(asking: Asking): AuditedCall {
    const at = clock.now();
    return { ...asking, id: idAt(at), at };
  }

  /** Whether there is room for another entry of a refusal. */
  function takesRefusal({ caller: { kind, id } }: Asking): boolean {
    const now = clock.monotonic();
    const who = `${kind} ${id}`;
    const byOne = takeOne(REFUSALS_OF_ONE, paidBy.get(who) ?? 0, now);
    if ('waitMs' in byOne) return false;
    const byAll = takeOne(REFUSALS_OF_ALL, paidByAll, now);
    if ('waitMs' in byAll) return false;
    paidBy.set(who, byOne.paidAt);
    paidByAll = byAll.paidAt;
    return true;
  }

  return {
    /**
     * Does `work` for a call, so that what it changes is entered with it, and hands over what was entered at last. Raises
     * what `work` raises, after it has handed over what was changed until then.
     */
    async perform<T>(
      asking: Asking,
      work: () => Promise<T>,
      onEntry: (entry: AuditEntry) => void,
    ): Promise<T> {
      const call = callFrom(asking);
      const done = new Map<string | undefined, Changes>();
      const note = (namespace: string | undefined, more: Changes) =>
        void done.set(namespace, joined(done.get(namespace) ?? NO_CHANGES, more));
      try {
        return await store.onBehalf(call, work, note);
      } finally {
        for (const [namespace, changes] of done) {
          const id = entryIdOf(call, namespace);
          onEntry({ ...call, id, namespace, outcome: 'DONE', reason: '', changes });
        }
      }
    },

    /**
     * Enters that a call was refused for a reason, and returns the entry; undefined where there are so many that it is
     * left out. Raises UNAVAILABLE and EXHAUSTED.
     */
    async refuse(asking: Asking, reason: string): Promise<AuditEntry | undefined> {
      if (!takesRefusal(asking)) return undefined;
      const entry: AuditEntry = { ...callFrom(asking), outcome: 'REFUSED', reason, changes: NO_CHANGES };
      await store.enterRefusals([entry]);
      return entry;
    },

    list: (order: AuditListOrder): Read<AuditEntry> => listAuditEntries({ store }, order),
  };
}
