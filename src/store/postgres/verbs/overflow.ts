import { overLongest } from '../../../domain/delivery/overflow.ts';
import type { OverflowingRow } from '../../calls/shapes.ts';
import { SURPLUS, type SurplusRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

/** What of the lanes that are too long is to be given up. The dispatcher does it, who has the lanes. */
export function overflowVerbs(context: Context): Pick<Verbs, 'overflowing' | 'surplus'> {
  const { db, tenants, hooks } = context;
  const selectIds = db.prepare<[key: number, id: string]>(
    'SELECT key, id FROM @webhooks WHERE key = ANY(?) AND removed_at IS NULL',
  );
  const select = (order: 'ASC' | 'DESC') =>
    db.prepare<SurplusRow>(`
      SELECT ${SURPLUS.columns} FROM @waiting AS d ${JOINED}
      WHERE d.webhook = ? AND d.ending = 0 ORDER BY d.ord ${order} LIMIT ?`);
  const oldest = select('ASC');
  const newest = select('DESC');

  /** Adds the lanes that are longer than their webhooks allow, and returns the namespaces that they are in. */
  function addLanes(found: OverflowingRow[], limit: number): Set<string> {
    const { waiting, overfull } = context;
    const namespaces = new Set<string>();
    for (const id of overfull.lanes) {
      if (found.length >= limit) break;
      const hook = hooks.get(id);
      const excess = hook === undefined ? 0 : waiting.in(hook) - hook.waitingMax;
      if (hook === undefined || excess <= 0) {
        overfull.lanes.delete(id);
        continue;
      }
      found.push([id, excess, hook.waitingMax, 1]);
      namespaces.add(hook.namespace);
    }
    return namespaces;
  }

  /** Adds the longest lanes of a namespace in which too much waits. */
  async function addLongest(namespace: string, found: OverflowingRow[]): Promise<void> {
    const { waiting, overfull } = context;
    const bound = tenants.of(namespace).quotas.waitingMax;
    const excess = waiting.of(namespace) - bound;
    if (excess <= 0) {
      overfull.namespaces.delete(namespace);
      return;
    }
    const shares = overLongest(waiting.lanes(namespace), excess);
    const ids = new Map(await selectIds.all(shares.map(({ key }) => key)));
    for (const share of shares) {
      // One that was removed is emptied as it is.
      const id = ids.get(share.key);
      if (id !== undefined) found.push([id, share.excess, bound, 0]);
    }
  }

  return {
    async overflowing(limit) {
      const { overfull } = context;
      await hooks.load(overfull.lanes);
      await tenants.load(overfull.namespaces);
      const found: OverflowingRow[] = [];
      const seen = addLanes(found, limit);
      for (const namespace of [...overfull.namespaces]) {
        if (found.length >= limit) break;
        // Giving up of its lanes may be enough for it, too.
        if (!seen.has(namespace)) await addLongest(namespace, found);
      }
      return found.slice(0, limit);
    },

    async surplus(lanes) {
      await hooks.load(lanes.map(([id]) => id));
      return Promise.all(
        lanes.map(async ([id, limit]) => {
          const hook = hooks.get(id);
          if (hook === undefined) return [];
          return (hook.overflow === 'DROP_OLDEST' ? oldest : newest).all(hook.key, limit);
        }),
      );
    },
  };
}
