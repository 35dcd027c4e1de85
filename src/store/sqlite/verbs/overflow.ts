import { overLongest } from '../../../domain/delivery/overflow.ts';
import type { OverflowingRow } from '../../calls/shapes.ts';
import { QUEUES } from '../../rows/codes.ts';
import { SURPLUS, type SurplusRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

/** What of the lanes that are too long is to be given up. The dispatcher does it, who has the lanes. */
export function overflowVerbs(context: Context): Pick<Verbs, 'overflowing' | 'surplus'> {
  const { db, tenants, waiting, overfull, hooks } = context;
  const { at } = SURPLUS;
  const selectId = db.prepare<[id: string]>('SELECT id FROM webhooks WHERE key = ? AND removed_at IS NULL');
  const select = (order: 'ASC' | 'DESC') =>
    db.prepare<SurplusRow>(`
      SELECT ${SURPLUS.columns} FROM deliveries AS d INDEXED BY deliveries_lane ${JOINED}
      WHERE d.webhook = ? AND d.run = ? AND d.state = 0 AND d.ending = 0 ORDER BY d.ord ${order} LIMIT ?`);
  const oldest = select('ASC');
  const newest = select('DESC');

  /** Adds the lanes that are longer than their webhooks allow, and returns the namespaces that they are in. */
  function addLanes(found: OverflowingRow[], limit: number): Set<string> {
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
  function addLongest(namespace: string, found: OverflowingRow[]): void {
    const bound = tenants.of(namespace).quotas.waitingMax;
    const excess = waiting.of(namespace) - bound;
    if (excess <= 0) {
      overfull.namespaces.delete(namespace);
      return;
    }
    for (const share of overLongest(waiting.lanes(namespace), excess)) {
      // One that was removed is emptied as it is.
      const [id] = selectId.get(share.key) ?? [];
      if (id !== undefined) found.push([id, share.excess, bound, 0]);
    }
  }

  return {
    overflowing(limit) {
      const found: OverflowingRow[] = [];
      const seen = addLanes(found, limit);
      for (const namespace of overfull.namespaces) {
        if (found.length >= limit) break;
        // Giving up of its lanes may be enough for it, too.
        if (!seen.has(namespace)) addLongest(namespace, found);
      }
      return found.slice(0, limit);
    },

    surplus: (lanes) =>
      lanes.map(([id, limit]) => {
        const hook = hooks.get(id);
        if (hook === undefined) return [];
        const isOldest = hook.overflow === 'DROP_OLDEST';
        const statement = isOldest ? oldest : newest;
        const rows = QUEUES.flatMap((queue) => statement.all(hook.key, queue, limit));
        const direction = isOldest ? 1 : -1;
        return rows.sort((a, b) => direction * (a[at.ord] - b[at.ord])).slice(0, limit);
      }),
  };
}
