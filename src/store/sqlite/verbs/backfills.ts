import { hasRoomAgain } from '../../../domain/delivery/waiting-bounds.ts';
import type { Answer } from '../../calls/shapes.ts';
import { BACKFILL, type BackfillRow } from '../../rows/messages.ts';
import { EVENT } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';
import type { Verbs } from '../protocol.ts';
import { createRunInsertion } from './run-insertion.ts';
import { waitingReader } from './waiting.ts';

export function backfillVerbs(context: Context): Pick<Verbs, 'backfillRuns'> {
  const { db, hooks, waiting, tenants, turns } = context;
  const { at } = BACKFILL;
  const insertion = createRunInsertion(context);
  const readWaiting = waitingReader(db);
  const selectWebhook = db.prepare(`
    SELECT 1 FROM webhooks WHERE id = ? AND version = ? AND state = 'ACTIVE' AND removed_at IS NULL`);
  const selectEvent = db.prepare('SELECT 1 FROM events WHERE id = ?');

  function hasRoom(row: BackfillRow, hook: Hook): boolean {
    if (!hasRoomAgain(hook, waiting, tenants.boundsOf(hook.namespace))) return false;
    const queue = row[at.queue];
    const max = row[at.waitingMax];
    return queue === 0 || turns.unfinished(hook.key, queue, max) < max;
  }

  function backfillOne(row: BackfillRow, { ords, held }: Omit<Answer<'backfillRuns'>, 'results'>) {
    const webhookId = row[at.webhookId];
    const hook = hooks.get(webhookId);
    if (hook === undefined || tenants.of(hook.namespace).state !== 'ACTIVE') return 'STALE';
    if (selectWebhook.get(webhookId, row[at.version]) === undefined) return 'STALE';
    const queue = row[at.queue];
    const firstDueAt = row[at.firstDueAt];
    const how = { hook, queue, inTurn: queue !== 0, turn: 0, now: row[at.now], firstDueAt } as const;
    const results: ('FIRED' | 'KNOWN' | 'FULL')[] = [];
    for (const [i, event] of row[at.events].entries()) {
      const isFull = results.at(-1) === 'FULL';
      if (!isFull && selectEvent.get(event[EVENT.at.id]) !== undefined) {
        results.push('KNOWN');
        continue;
      }
      const places = isFull || !hasRoom(row, hook) ? undefined : insertion.event(event);
      results.push(places === undefined ? 'FULL' : 'FIRED');
      if (places === undefined) continue;
      const ord = insertion.delivery(row[at.deliveries][i]!, event, places, how);
      ords.push(ord);
      if (ord < 0) held.push(readWaiting(-ord));
    }
    return results;
  }

  return {
    backfillRuns(rows) {
      const more = { ords: [], held: [] };
      const results = rows.map((row) => backfillOne(row, more));
      context.grew();
      return { results, ...more };
    },
  };
}
