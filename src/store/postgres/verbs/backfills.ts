import { hasRoomAgain } from '../../../domain/delivery/waiting-bounds.ts';
import type { Answer } from '../../calls/shapes.ts';
import { BACKFILL, type BackfillRow, NEW_DELIVERY } from '../../rows/messages.ts';
import { EVENT } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';
import type { Verbs } from '../protocol.ts';
import { createInsertion, insertRun } from './insertion.ts';
import { waitingReader } from './waiting.ts';

type Result = Answer<'backfillRuns'>['results'][number];

export function backfillVerbs(context: Context): Pick<Verbs, 'backfillRuns'> {
  const { db, hooks, tenants, turns } = context;
  const { at } = BACKFILL;
  const insertion = createInsertion(context);
  const readWaiting = waitingReader(db);
  const selectWebhook = db.prepare(`
    SELECT 1 FROM @webhooks WHERE id = ? AND version = ? AND state = 'ACTIVE' AND removed_at IS NULL`);
  const selectKnown = db.prepare<[id: string]>('SELECT id FROM @events WHERE id = ANY(?)');

  async function backfillOne(row: BackfillRow, ords: number[], held: string[]): Promise<Result> {
    const webhookId = row[at.webhookId];
    const hook = hooks.get(webhookId);
    if (hook === undefined || tenants.of(hook.namespace).state !== 'ACTIVE') return 'STALE';
    if ((await selectWebhook.get(webhookId, row[at.version])) === undefined) return 'STALE';
    const queue = row[at.queue];
    const events = row[at.events];
    const [draft, ids, before, unfinished] = await Promise.all([
      insertion.open({ events: events.length, deliveries: events.length }),
      selectKnown.all(events.map((event) => event[EVENT.at.id])),
      queue === 0 ? undefined : turns.last(hook.key, queue),
      queue === 0 ? 0 : turns.unfinished(hook.key, queue, row[at.waitingMax]),
    ]);
    const known = new Set(ids.map(([id]) => id));
    const firstDueAt = row[at.firstDueAt];
    const how = { hook, queue, turn: 0, now: row[at.now], firstDueAt, before, inTurn: queue !== 0 } as const;
    const queueing = { ...how };
    const results: ('FIRED' | 'KNOWN' | 'FULL')[] = [];
    let waiting = unfinished;
    for (const [i, event] of events.entries()) {
      const isFull = results.at(-1) === 'FULL';
      if (!isFull && known.has(event[EVENT.at.id])) {
        results.push('KNOWN');
      } else if (isFull || !hasRoom(row, hook, waiting)) {
        results.push('FULL');
      } else {
        results.push('FIRED');
        known.add(event[EVENT.at.id]);
        const delivery = row[at.deliveries][i]!;
        const ord = insertRun(draft, delivery, event, draft.event(event, 1), queueing);
        ords.push(ord);
        waiting++;
        if (ord > 0) continue;
        turns.hold(hook.key);
        held.push(delivery[NEW_DELIVERY.at.id]);
      }
    }
    await draft.write();
    return results;
  }

  function hasRoom(row: BackfillRow, hook: Hook, waiting: number): boolean {
    if (!hasRoomAgain(hook, context.waiting, tenants.boundsOf(hook.namespace))) return false;
    return row[at.queue] === 0 || waiting < row[at.waitingMax];
  }

  return {
    async backfillRuns(rows) {
      await hooks.load(rows.map((row) => row[at.webhookId]));
      const ords: number[] = [];
      const held: string[] = [];
      const results: Result[] = [];
      for (const row of rows) results.push(await backfillOne(row, ords, held));
      return { results, ords, held: await readWaiting(held) };
    },
  };
}
